// A field that searches while one types is named by its label, not by what is chosen in it, which may be nothing. Such fields are
// made when the page is ready or a row is added, whichever comes late, so that this looks out for them.
"use strict";

const nameBy = (field) => {
    const select = field.parentElement.querySelector("select.select2-hidden-accessible");
    const label = select && document.querySelector(`label[for="${select.id}"]`);
    const shown = field.querySelector(".select2-selection__rendered");
    if (!label || !shown) {
        return;
    }
    label.id ||= `${select.id}_label`;
    shown.setAttribute("aria-labelledby", label.id);
    shown.closest("[role=combobox]").setAttribute("aria-labelledby", `${label.id} ${shown.id}`);
};

const nameAll = () => document.querySelectorAll("select + .select2-container").forEach(nameBy);

new MutationObserver((changes) => {
    const added = changes.flatMap((change) => [...change.addedNodes]);
    if (added.some((node) => node instanceof Element && (node.matches(".select2-container") || node.querySelector(".select2-container")))) {
        nameAll();
    }
}).observe(document.documentElement, { childList: true, subtree: true });
document.addEventListener("DOMContentLoaded", nameAll);
