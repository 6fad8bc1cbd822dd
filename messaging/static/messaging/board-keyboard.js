// The keyboard: arrow keys walk over the cards, Space picks one up and drops it.

import { cardsOf, candidateOf, columnOf, columns, focusOn, linkOf, makeOneReachable, moveUrl, nameOf, page, say } from "./board-cards.js";
import { openMenu } from "./board-menu.js";
import { isWaiting, move, undo } from "./board-moves.js";

let held = null; // { card, target } while a card is picked up

export const isHeld = () => Boolean(held);

const aim = (target) => {
    for (const column of columns()) column.classList.toggle("board-target", column === target);
    target?.scrollIntoView({ block: "nearest", inline: "nearest" });
};

const pickUp = (card) => {
    held = { card, target: columnOf(card) };
    card.classList.add("board-held");
    aim(held.target);
    say(`${candidateOf(card)} is picked up in ${nameOf(held.target)}. Left and right choose a stage, space drops, escape cancels.`);
};

const letGo = () => {
    const was = held;
    held = null;
    was.card.classList.remove("board-held");
    aim(null);
    return was;
};

const carry = (step) => {
    const all = columns();
    const target = all[all.indexOf(held.target) + step];
    if (!target) return;
    held.target = target;
    aim(target);
    const number = cardsOf(target).length;
    say(`${nameOf(target)}, ${all.indexOf(target) + 1} of ${all.length}, ${number} card${number === 1 ? "" : "s"}.`);
};

const heldKeys = {
    ArrowLeft: () => carry(-1),
    ArrowRight: () => carry(1),
    " ": () => drop(),
    Enter: () => drop(),
    Escape: () => {
        const { card } = letGo();
        focusOn(card);
        say(`${candidateOf(card)} stays in ${nameOf(columnOf(card))}.`);
    },
};

const drop = () => {
    const { card, target } = letGo();
    if (target === columnOf(card)) say(`${candidateOf(card)} stays in ${nameOf(target)}.`);
    else move(card, target);
};

const beside = (card, step) => {
    const place = cardsOf(columnOf(card)).indexOf(card);
    const all = columns();
    for (let at = all.indexOf(columnOf(card)) + step; all[at]; at += step) {
        const cards = cardsOf(all[at]);
        if (cards.length) return cards[Math.min(place, cards.length - 1)];
    }
    return null;
};

const walk = {
    ArrowUp: (card) => card.previousElementSibling,
    ArrowDown: (card) => card.nextElementSibling,
    ArrowLeft: (card) => beside(card, -1),
    ArrowRight: (card) => beside(card, 1),
    Home: (card) => card.parentElement.firstElementChild,
    End: (card) => card.parentElement.lastElementChild,
};

const deedOf = (card, key) => {
    if (held) return heldKeys[key];
    if (walk[key]) return () => [walk[key](card)].filter(Boolean).forEach(focusOn);
    if (key === " " && moveUrl && !isWaiting()) return () => pickUp(card);
    if (key.toLowerCase() === "m" && moveUrl && !isWaiting()) return () => openMenu(card);
    return null;
};

page.addEventListener("keydown", (event) => {
    const isModified = event.ctrlKey || event.metaKey;
    if (isModified && event.key.toLowerCase() === "z" && !event.shiftKey && !event.target.closest("input, textarea, dialog")) {
        event.preventDefault();
        undo();
        return;
    }
    const card = event.target.closest(".board-card");
    const deed = card && !isModified && !event.altKey && deedOf(card, event.key);
    if (!deed) return;
    event.preventDefault();
    deed();
});

page.addEventListener("focusin", (event) => {
    const card = event.target.closest(".board-card");
    if (card && linkOf(card).tabIndex !== 0) makeOneReachable(card);
});
page.addEventListener("focusout", (event) => {
    if (held && event.target === linkOf(held.card)) letGo();
});
