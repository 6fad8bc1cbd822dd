// A move: the card stands in its new column at once, and goes back where the server refuses or the person does not want what follows.

import { candidateOf, columnOf, count, focusOn, listOf, moveUrl, say } from "./board-cards.js";
import { post, refresh } from "./board-server.js";

const ask = document.querySelector("#board-ask");
const toast = document.querySelector("#board-toast");

let waiting = null; // a card whose move the server or the person has not answered: { card, list, next }

export const isWaiting = () => Boolean(waiting);

export const move = async (card, column) => {
    const from = columnOf(card);
    if (from === column || waiting) return;
    waiting = { card, list: listOf(from), next: card.nextElementSibling };
    place(card, column);
    answer(await tell({ application: card.dataset.card, seen: from.dataset.stage, to: column.dataset.stage, note: "" }));
};

const place = (card, column) => {
    const from = columnOf(card);
    card.classList.add("board-waiting");
    listOf(column).append(card);
    count(from, { by: -1 });
    count(column, { by: 1 });
    focusOn(card);
};

const tell = async (fields) => {
    try {
        return await post(moveUrl, fields);
    } catch {
        return { state: "refused", sentence: "The server cannot be reached, so nobody was moved here. Try again." };
    }
};

const answer = (said) => {
    if (said.state === "ask") {
        ask.innerHTML = said.html;
        ask.showModal();
        return;
    }
    const { card } = waiting;
    if (said.state === "refused") {
        putBack();
        show(said.sentence, "", true);
        refresh().catch(() => {});
        return;
    }
    waiting = null;
    show(said.sentence, said.undo);
    if (!said.card) {
        refresh().catch(() => {}); // hired: the card is gone
        return;
    }
    const holder = document.createElement("template");
    holder.innerHTML = said.card.trim();
    const fresh = holder.content.firstElementChild;
    for (const link of fresh.querySelectorAll("a")) link.tabIndex = -1;
    const hadFocus = card.contains(document.activeElement) || document.activeElement === document.body;
    card.replaceWith(fresh);
    if (hadFocus) focusOn(fresh);
};

const putBack = () => {
    const { card, list, next } = waiting;
    const column = columnOf(card);
    waiting = null;
    card.classList.remove("board-waiting");
    if (card.parentElement === list) return;
    list.insertBefore(card, next?.parentElement === list ? next : null);
    count(column, { by: -1 });
    count(columnOf(card), { by: 1 });
    focusOn(card);
};

const show = (sentence, undo = "", isGrave = false) => {
    say(undo ? `${sentence} Control Z undoes it.` : sentence);
    toast.querySelector("[data-sentence]").textContent = sentence;
    toast.dataset.undo = undo;
    toast.querySelector("[data-undo]").hidden = !undo;
    toast.classList.toggle("board-toast-grave", isGrave);
    if (!toast.matches(":popover-open")) toast.showPopover();
};

export const undo = async () => {
    const url = toast?.dataset.undo;
    if (!url) return;
    toast.dataset.undo = "";
    try {
        const said = await post(url, {});
        show(said.sentence, "", said.state === "refused");
        await refresh();
    } catch {
        show("The server cannot be reached, so nothing was undone. Try again.", url, true);
    }
};

if (moveUrl) {
    ask.addEventListener("submit", async (event) => {
        event.preventDefault();
        const fields = new FormData(event.target, event.submitter);
        ask.setAttribute("aria-busy", "true");
        for (const button of ask.querySelectorAll("button")) button.disabled = true;
        const said = await tell(fields);
        ask.removeAttribute("aria-busy");
        ask.close();
        answer(said); // before the dialog's own event: nothing waits any more when it comes
    });
    ask.addEventListener("click", (event) => {
        if (event.target.closest("[data-cancel]") || event.target === ask) ask.close();
    });
    ask.addEventListener("cancel", (event) => {
        if (ask.hasAttribute("aria-busy")) event.preventDefault(); // it is being done
    });
    ask.addEventListener("close", () => {
        if (!waiting) return;
        const who = candidateOf(waiting.card);
        putBack();
        say(`${who} was not moved.`);
    });
    toast.addEventListener("click", (event) => {
        if (event.target.closest("[data-undo]")) undo();
        else if (event.target.closest("[data-close]")) toast.hidePopover();
    });
}
