/* The wording editor: puts a placeholder where the cursor is, and leads to the place that a finding names. */

"use strict";

(function () {
    let last = null;

    function insert(text) {
        const field = last || document.getElementById("id_body");
        if (!field) {
            return;
        }
        const start = field.selectionStart;
        field.setRangeText(text, start, field.selectionEnd, "end");
        // A default is typed between its quotes.
        const quotes = text.indexOf('""');
        if (quotes >= 0) {
            field.setSelectionRange(start + quotes + 1, start + quotes + 1);
        }
        field.focus();
        field.dispatchEvent(new Event("input", { bubbles: true }));
    }

    function show(field, line, column) {
        const lines = field.value.split("\n");
        const before = lines.slice(0, line - 1).join("\n");
        // Columns count characters, positions in a field count UTF-16 units.
        const inLine = Array.from(lines[line - 1] || "").slice(0, column - 1).join("").length;
        const at = (line > 1 ? before.length + 1 : 0) + inLine;
        field.focus();
        field.setSelectionRange(at, Math.min(at + 1, field.value.length));
        if (field.tagName === "TEXTAREA") {
            const height = field.scrollHeight / Math.max(lines.length, 1);
            field.scrollTop = Math.max(0, (line - 4) * height);
        }
    }

    document.addEventListener("focusin", function (event) {
        if (event.target.id === "id_subject" || event.target.id === "id_body") {
            last = event.target;
        }
    });

    document.addEventListener("click", function (event) {
        const placeholder = event.target.closest("[data-insert]");
        if (placeholder) {
            insert(placeholder.dataset.insert);
            return;
        }
        const place = event.target.closest("[data-show]");
        if (place) {
            const field = document.getElementById(place.dataset.show);
            show(field, Number(place.dataset.line), Number(place.dataset.column));
        }
    });
})();
