// A field that searches while one types is named by its label, not by what is chosen in it, which may be nothing.
"use strict";

window.addEventListener("load", () => {
    for (const select of document.querySelectorAll("select.select2-hidden-accessible")) {
        const label = document.querySelector(`label[for="${select.id}"]`);
        const shown = select.parentElement.querySelector(".select2-selection__rendered");
        if (!label || !shown) {
            continue;
        }
        label.id ||= `${select.id}_label`;
        shown.setAttribute("aria-labelledby", label.id);
        shown.closest("[role=combobox]").setAttribute("aria-labelledby", `${label.id} ${shown.id}`);
    }
});
