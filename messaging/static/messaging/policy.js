/* The map of the policy: opens a cell beside the table without leaving the page, and moves between cells with the arrow keys.
   Without this file every cell is a link and every form a form. */

"use strict";

(function () {
    const table = document.getElementById("policy-map");
    const details = document.getElementById("policy-details");
    const narrow = window.matchMedia("(max-width: 1399px)");
    let asked = 0;

    async function fill(url, options) {
        asked += 1;
        const mine = asked;
        const answer = await fetch(url, { credentials: "same-origin", ...options });
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const filled = page.getElementById("policy-details");
        if (!answer.ok || answer.redirected || !filled) {
            return false;
        }
        // An older answer must not overwrite a newer one.
        if (mine === asked) {
            details.replaceChildren(...filled.childNodes);
        }
        return true;
    }

    function mark(link) {
        table.querySelector("[aria-current]")?.removeAttribute("aria-current");
        link?.setAttribute("aria-current", "true");
    }

    async function open(link) {
        mark(Array.from(table.querySelectorAll(".policy-cell")).find((cell) => cell.search === link.search));
        if (!(await fill(link.href))) {
            window.location.assign(link.href);
            return;
        }
        window.history.replaceState(null, "", link.search);
        if (narrow.matches) {
            details.scrollIntoView({ block: "start" });
        }
    }

    document.addEventListener("click", function (event) {
        const link = event.target.closest(".policy-cell, a[data-open]");
        if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) {
            return;
        }
        event.preventDefault();
        open(link).catch(() => window.location.assign(link.href));
    });

    details.addEventListener("submit", function (event) {
        const form = event.target;
        const progress = form.querySelector(".policy-progress");
        if (progress) {
            progress.textContent = "Looking at the last 90 days…";
        }
        if (event.submitter?.hasAttribute("data-native")) {
            return;
        }
        event.preventDefault();
        fill(form.action, { method: "POST", body: new FormData(form) })
            .then(function (filled) {
                if (!filled) {
                    form.submit();
                    return;
                }
                document.getElementById("what-if-title")?.focus();
            })
            .catch(() => form.submit());
    });

    // A choice that was changed is another rule, which nobody was shown yet.
    details.addEventListener("change", function (event) {
        const shown = event.target.name === "reserve" && event.target.form.querySelector(".what-if");
        if (shown) {
            const buttons = event.target.form.querySelector("[data-native]");
            shown.remove();
            buttons.removeAttribute("data-native");
            buttons.textContent = "Check what it changes";
        }
    });

    // --- Keys ---

    const rows = Array.from(table.tBodies[0].rows, (row) => Array.from(row.querySelectorAll(".policy-cell")));
    const first = table.querySelector("[aria-current]") || rows[0][0];
    table.setAttribute("role", "grid");
    rows.flat().forEach((cell) => (cell.tabIndex = cell === first ? 0 : -1));

    table.addEventListener("focusin", function (event) {
        if (event.target.matches(".policy-cell")) {
            rows.flat().forEach((cell) => (cell.tabIndex = cell === event.target ? 0 : -1));
        }
    });

    table.addEventListener("keydown", function (event) {
        const at = rows.findIndex((row) => row.includes(event.target));
        if (at < 0) {
            return;
        }
        const column = rows[at].indexOf(event.target);
        const last = rows[at].length - 1;
        const to = {
            ArrowUp: [at - 1, column],
            ArrowDown: [at + 1, column],
            ArrowLeft: [at, column - 1],
            ArrowRight: [at, column + 1],
            Home: [at, 0],
            End: [at, last],
        }[event.key];
        const cell = to && rows[to[0]]?.[to[1]];
        if (cell) {
            event.preventDefault();
            cell.focus();
        }
    });
})();
