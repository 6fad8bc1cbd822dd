// What stands on the board, and which card has the focus.

export const page = document.querySelector("#board-page");
export const moveUrl = page.dataset.move; // not there for whom only looks
const live = document.querySelector("#board-live");

export const strip = () => page.querySelector("#board");
export const columns = () => [...strip().querySelectorAll(".board-column")];
export const columnOf = (card) => card.closest(".board-column");
export const listOf = (column) => column.querySelector(".board-cards");
export const nameOf = (column) => column.querySelector(".board-stage").textContent;
export const candidateOf = (card) => card.querySelector("b").textContent;
export const linkOf = (card) => card.querySelector(".board-open");
export const cardsOf = (column) => [...listOf(column).children];

export const say = (sentence) => {
    live.textContent = "";
    requestAnimationFrame(() => (live.textContent = sentence));
};

// --- One card at a time can be reached with Tab; the arrow keys lead to the others ---

export const makeOneReachable = (card) => {
    for (const link of strip().querySelectorAll('.board-open[tabindex="0"]')) link.tabIndex = -1;
    if (card) linkOf(card).tabIndex = 0;
};

export const focusOn = (card) => {
    makeOneReachable(card);
    linkOf(card).focus({ preventScroll: true });
    card.scrollIntoView({ block: "nearest", inline: "nearest" });
};

export const begin = () => {
    for (const link of strip().querySelectorAll(".board-open, .board-more")) link.tabIndex = -1;
    makeOneReachable(strip().querySelector(".board-card"));
};

// --- How many there are ---

export const count = (column, { by = 0 } = {}) => {
    column.dataset.total = Number(column.dataset.total) + by;
    column.querySelector("[data-count]").textContent = listOf(column).childElementCount;
    const all = column.querySelector("[data-all]");
    if (all) all.textContent = column.dataset.total;
};

export const sum = () => {
    const { shown, total } = strip().dataset;
    const line = document.querySelector("#board-sum");
    const isNarrowed = new URLSearchParams(location.search).size > 0;
    if (line) line.textContent = isNarrowed ? `${shown} of ${total}` : `${total} candidate${total === "1" ? "" : "s"}`;
    const clear = page.querySelector(".board-clear");
    if (clear) clear.hidden = !isNarrowed;
};
