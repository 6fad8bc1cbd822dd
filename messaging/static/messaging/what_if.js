/* Forms of rules: says that they are being looked at, and leads to what was found. */

"use strict";

(function () {
    const place = document.getElementById("what-if");
    if (!place) {
        return;
    }
    const found = document.getElementById("what-if-title");
    if (found) {
        found.focus();
    }
    const form = place.closest("form");
    form?.addEventListener("submit", function () {
        const said = document.createElement("p");
        said.className = "what-if-progress";
        said.textContent = "Looking at what this changes…";
        place.prepend(said);
    });
})();
