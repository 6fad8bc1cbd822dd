// The menu of a card: where it can go, and the pages about it.

import { candidateOf, columnOf, columns, focusOn, linkOf, page } from "./board-cards.js";
import { isWaiting, move } from "./board-moves.js";

const menu = document.querySelector("#board-menu"); // not there for whom only looks

let chosen = null;

export const openMenu = (card) => {
    chosen = card;
    menu.querySelector("#menu-title").textContent = candidateOf(card);
    for (const button of menu.querySelectorAll("[data-to]")) button.disabled = button.dataset.to === columnOf(card).dataset.stage;
    const pages = linkOf(card).href.replace(/change\/$/, "");
    const back = card.querySelector(".board-more").search;
    for (const link of menu.querySelectorAll("[data-page]")) {
        link.href = pages + link.dataset.page + (link.dataset.page === "change/" ? "" : back);
    }
    const write = menu.querySelector("[data-write]");
    if (write) write.href = write.dataset.write.replace("/0/", `/${card.dataset.card}/`);
    menu.showModal();
};

menu?.addEventListener("click", (event) => {
    const to = event.target.closest("[data-to]")?.dataset.to;
    if (to || event.target === menu) menu.close();
    if (to) move(chosen, columns().find((column) => column.dataset.stage === to));
});
menu?.addEventListener("keydown", (event) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const choices = [...menu.querySelectorAll(".board-choice:not(:disabled)")];
    choices.at((choices.indexOf(document.activeElement) + step) % choices.length).focus();
});
menu?.addEventListener("close", () => chosen?.isConnected && !isWaiting() && focusOn(chosen));

export const isMenuOpen = () => Boolean(menu?.open);

page.addEventListener("click", (event) => {
    const card = event.target.closest(".board-more")?.closest(".board-card");
    if (!card || !menu || event.defaultPrevented || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    if (!isWaiting()) openMenu(card);
});
