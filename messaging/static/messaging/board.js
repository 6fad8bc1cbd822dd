// The board: cards are moved with the pointer, with the keyboard, or through the menu of a card. The server decides every move
// and says what follows from it before anybody is written to. Without this script a card leads to the pages that do the same.

import { begin, say, strip } from "./board-cards.js";
import { isHeld } from "./board-keyboard.js";
import { isMenuOpen } from "./board-menu.js";
import { isWaiting } from "./board-moves.js";
import { isDragged } from "./board-pointer.js";
import { isStale, refresh } from "./board-server.js";

const filters = document.querySelector("#board-filters");

let soon = 0;

filters?.addEventListener("input", (event) => {
    clearTimeout(soon);
    soon = setTimeout(narrow, event.target.type === "search" ? 250 : 0);
});
filters?.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(soon);
    narrow();
});

const narrow = async () => {
    const query = new URLSearchParams([...new FormData(filters)].filter(([, value]) => value));
    history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
    await refresh();
    say(`${strip().dataset.shown} of ${strip().dataset.total} cards.`);
};

document.querySelector("#board-job")?.addEventListener("change", (event) => event.target.form.submit());

// Others move cards too: who comes back to this page sees the board as it is.
document.addEventListener("visibilitychange", () => {
    const isIdle = !isWaiting() && !isDragged() && !isHeld() && !isMenuOpen();
    if (strip() && !document.hidden && isIdle && isStale()) refresh().catch(() => {});
});

if (strip()) begin();
