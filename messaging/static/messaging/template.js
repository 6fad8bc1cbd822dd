/* The wording editor: puts a placeholder where the cursor is, finds placeholders by a word, and leads to the place that a finding
   names. Without it the editor is a plain form. */

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

    // What the server counts are characters, positions in a field are UTF-16 units.
    function inUnits(text, characters) {
        return Array.from(text).slice(0, characters).join("").length;
    }

    function select(field, start, end) {
        field.focus();
        field.setSelectionRange(start, end);
        if (field.tagName === "TEXTAREA") {
            const lines = field.value.split("\n").length;
            const line = field.value.slice(0, start).split("\n").length;
            field.scrollTop = Math.max(0, (line - 4) * (field.scrollHeight / Math.max(lines, 1)));
        }
        field.scrollIntoView({ block: "nearest" });
    }

    function show(place) {
        const field = document.getElementById(place.show);
        const text = field.value;
        if (place.start !== undefined) {
            select(field, inUnits(text, Number(place.start)), inUnits(text, Number(place.end)));
            return;
        }
        const lines = text.split("\n");
        const line = Number(place.line);
        const before = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
        const at = before + inUnits(lines[line - 1] || "", Number(place.column) - 1);
        select(field, at, Math.min(at + 1, text.length));
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
            show(place.dataset);
        }
    });

    // --- Search among the placeholders ---

    function setUpSearch(search) {
        const groups = Array.from(document.querySelectorAll("[data-group]"));
        const wereOpen = groups.map((group) => group.open);
        const found = document.getElementById("placeholder-found");

        function matches(name, words) {
            const said = `${name.textContent} ${name.nextElementSibling.textContent}`.toLowerCase();
            return words.every((word) => said.includes(word));
        }

        function look() {
            const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
            let count = 0;
            groups.forEach((group, number) => {
                let shown = 0;
                group.querySelectorAll("[data-placeholder]").forEach((name) => {
                    const fits = matches(name, words);
                    name.hidden = name.nextElementSibling.hidden = !fits;
                    shown += fits;
                });
                group.hidden = words.length > 0 && shown === 0;
                group.open = words.length > 0 ? shown > 0 : wereOpen[number];
                count += shown;
            });
            const said = count === 1 ? "1 placeholder" : `${count} placeholders`;
            found.textContent = words.length === 0 ? "" : count ? said : "No placeholder says that. Try another word, such as “name”.";
        }

        function first() {
            const names = document.querySelectorAll("[data-placeholder]:not([hidden]) > [data-insert]");
            return Array.from(names).find((name) => !name.closest("[data-group]").hidden);
        }

        search.addEventListener("input", (event) => {
            event.stopPropagation();
            look();
        });
        search.addEventListener("keydown", (event) => {
            if (event.key === "Enter") {
                event.preventDefault(); // it would save the template
                const name = search.value.trim() && first();
                if (name) {
                    search.value = "";
                    look();
                    insert(name.dataset.insert);
                }
            } else if (event.key === "Escape") {
                search.value = "";
                look();
                (last || document.getElementById("id_body")).focus();
                event.preventDefault();
            } else if (event.key === "ArrowDown" && first()) {
                event.preventDefault();
                first().focus();
            }
        });
        document.addEventListener("keydown", (event) => {
            if (event.altKey && !event.ctrlKey && !event.metaKey && event.code === "KeyP") {
                event.preventDefault();
                search.focus();
                search.select();
            }
        });
        search.parentElement.hidden = false;
    }

    // The theme's search field names itself after what is chosen in it, and not after its label.
    function name(field) {
        const label = field.querySelector("label");
        const box = field.querySelector("[role=combobox]");
        const chosen = field.querySelector("[role=textbox]");
        if (!label || !box || !chosen) {
            return false;
        }
        label.id = label.id || `${label.htmlFor}_label`;
        box.setAttribute("aria-labelledby", `${label.id} ${chosen.id}`);
        chosen.setAttribute("aria-labelledby", label.id);
        return true;
    }

    document.addEventListener("DOMContentLoaded", function () {
        document.querySelectorAll(".wording-field").forEach((field) => {
            if (!name(field)) {
                const watch = new MutationObserver(() => name(field) && watch.disconnect());
                watch.observe(field, { childList: true, subtree: true });
            }
        });
    });

    document.addEventListener("DOMContentLoaded", function () {
        const search = document.getElementById("placeholder-search");
        if (search) {
            setUpSearch(search);
        }
    });
})();
