// The board: cards are moved with the pointer, with the keyboard, or through the menu of a card. The server decides every move
// and says what follows from it before anybody is written to. Without this script a card leads to the pages that do the same.

const page = document.querySelector("#board-page");
const live = document.querySelector("#board-live");
const moveUrl = page?.dataset.move; // not there for whom only looks
const ask = document.querySelector("#board-ask");
const menu = document.querySelector("#board-menu");
const toast = document.querySelector("#board-toast");
const filters = document.querySelector("#board-filters");

const STALE = 60_000; // milliseconds after which a board that comes back into view is loaded again
const NEAR = 56; // pixels from the edge of the strip at which it scrolls while a card is dragged
const HOLD = 350; // milliseconds of holding until a finger drags and does not scroll

let loadedAt = Date.now();
let waiting = null; // a card whose move the server or the person has not answered: { card, list, next }

const strip = () => page.querySelector("#board");
const columns = () => [...strip().querySelectorAll(".board-column")];
const columnOf = (card) => card.closest(".board-column");
const listOf = (column) => column.querySelector(".board-cards");
const nameOf = (column) => column.querySelector(".board-stage").textContent;
const candidateOf = (card) => card.querySelector("b").textContent;
const linkOf = (card) => card.querySelector(".board-open");
const cardsOf = (column) => [...listOf(column).children];

const say = (sentence) => {
    live.textContent = "";
    requestAnimationFrame(() => (live.textContent = sentence));
};

// --- One card at a time can be reached with Tab; the arrow keys lead to the others ---

const makeOneReachable = (card) => {
    for (const link of strip().querySelectorAll('.board-open[tabindex="0"]')) link.tabIndex = -1;
    if (card) linkOf(card).tabIndex = 0;
};

const focusOn = (card) => {
    makeOneReachable(card);
    linkOf(card).focus({ preventScroll: true });
    card.scrollIntoView({ block: "nearest", inline: "nearest" });
};

const begin = () => {
    for (const link of strip().querySelectorAll(".board-open, .board-more")) link.tabIndex = -1;
    makeOneReachable(strip().querySelector(".board-card"));
};

// --- What the server says ---

const post = async (url, fields) => {
    const body = fields instanceof FormData ? fields : new URLSearchParams(fields);
    const token = page.querySelector("[name=csrfmiddlewaretoken]").value;
    const response = await fetch(url, { method: "POST", body, headers: { "X-CSRFToken": token } });
    if (response.redirected || response.status === 403) {
        location.reload(); // signed out, or not allowed any more: the page says so
        return new Promise(() => {});
    }
    if (!response.ok) return { state: "refused", sentence: "The server did not take it. The board was loaded again." };
    return response.json();
};

const refresh = async () => {
    const focused = document.activeElement?.closest?.(".board-card")?.dataset.card;
    const heights = new Map(columns().map((column) => [column.dataset.stage, listOf(column).scrollTop]));
    const left = strip().scrollLeft;
    const response = await fetch(location.href, { headers: { "HX-Request": "true" } });
    if (!response.ok || response.redirected) return location.reload();
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("#board");
    strip().replaceWith(document.adoptNode(fresh));
    loadedAt = Date.now();
    begin();
    strip().scrollLeft = left;
    for (const column of columns()) listOf(column).scrollTop = heights.get(column.dataset.stage) ?? 0;
    const again = focused && strip().querySelector(`[data-card="${focused}"]`);
    if (again) focusOn(again);
    sum();
};

const count = (column, { by = 0 } = {}) => {
    column.dataset.total = Number(column.dataset.total) + by;
    column.querySelector("[data-count]").textContent = listOf(column).childElementCount;
    const all = column.querySelector("[data-all]");
    if (all) all.textContent = column.dataset.total;
};

const sum = () => {
    const { shown, total } = strip().dataset;
    const line = document.querySelector("#board-sum");
    const isNarrowed = new URLSearchParams(location.search).size > 0;
    if (line) line.textContent = isNarrowed ? `${shown} of ${total}` : `${total} candidate${total === "1" ? "" : "s"}`;
    const clear = page.querySelector(".board-clear");
    if (clear) clear.hidden = !isNarrowed;
};

// --- A move ---

const move = async (card, column) => {
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

const undo = async () => {
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

// --- The menu of a card ---

let chosen = null;

const openMenu = (card) => {
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
menu?.addEventListener("close", () => chosen?.isConnected && !waiting && focusOn(chosen));

// --- The keyboard ---

let held = null; // { card, target } while a card is picked up with the keyboard

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
    if (key === " " && moveUrl && !waiting) return () => pickUp(card);
    if (key.toLowerCase() === "m" && moveUrl && !waiting) return () => openMenu(card);
    return null;
};

page?.addEventListener("keydown", (event) => {
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

page?.addEventListener("focusin", (event) => {
    const card = event.target.closest(".board-card");
    if (card && linkOf(card).tabIndex !== 0) makeOneReachable(card);
});
page?.addEventListener("focusout", (event) => {
    if (held && event.target === linkOf(held.card)) letGo();
});

// --- The pointer ---

let press = null; // a pointer that is down on a card and has not dragged yet
let drag = null; // { card, ghost, dx, dy, x, y, edges, target, frame }

const startDrag = () => {
    const { card, x, y, id } = press;
    clearTimeout(press.timer);
    // Read once, and before anything is changed: asking for a position after a change lays out the page.
    const box = card.getBoundingClientRect();
    const left = strip().scrollLeft;
    const edges = columns().map((column) => {
        const { left: begins, right: ends } = column.getBoundingClientRect();
        return { column, begins: begins + left, ends: ends + left };
    });
    const room = strip().getBoundingClientRect();
    const ghost = card.cloneNode(true);
    ghost.classList.add("board-ghost");
    ghost.style.width = `${box.width}px`;
    document.body.append(ghost);
    page.setPointerCapture(id);
    page.classList.add("board-dragging");
    card.classList.add("board-held");
    drag = { card, ghost, dx: x - box.left, dy: y - box.top, x, y, edges, room, target: columnOf(card), frame: 0 };
    press = null;
    draw();
};

const draw = () => {
    drag.frame = 0;
    const { ghost, x, y, dx, dy, room } = drag;
    ghost.style.transform = `translate3d(${x - dx}px, ${y - dy}px, 0) rotate(1.5deg)`;
    const pull = x < room.left + NEAR ? x - room.left - NEAR : x > room.right - NEAR ? x - room.right + NEAR : 0;
    const before = strip().scrollLeft;
    if (pull) strip().scrollLeft += pull / 5;
    const at = x + strip().scrollLeft;
    const target = drag.edges.find(({ begins, ends }) => begins <= at && at <= ends)?.column ?? drag.target;
    if (target !== drag.target) {
        drag.target.classList.remove("board-target");
        target.classList.add("board-target");
        drag.target = target;
    }
    if (strip().scrollLeft !== before) drag.frame = requestAnimationFrame(draw); // goes on while the pointer rests at the edge
};

const endDrag = ({ isDrop }) => {
    const { card, ghost, target, frame } = drag;
    cancelAnimationFrame(frame);
    drag = null;
    ghost.remove();
    page.classList.remove("board-dragging");
    card.classList.remove("board-held");
    target.classList.remove("board-target");
    page.addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => page.removeEventListener("click", swallow, { capture: true }), 50);
    if (isDrop) move(card, target);
};

const swallow = (event) => event.preventDefault(); // the click that ends a drag opens nothing

page?.addEventListener("pointerdown", (event) => {
    const card = event.target.closest(".board-card");
    if (!moveUrl || !card || event.button !== 0 || event.target.closest(".board-more") || waiting || held) return;
    press = { card, x: event.clientX, y: event.clientY, id: event.pointerId, isTouch: event.pointerType !== "mouse" };
    if (press.isTouch) press.timer = setTimeout(() => press && startDrag(), HOLD);
});
page?.addEventListener("pointermove", (event) => {
    if (drag) {
        drag.x = event.clientX;
        drag.y = event.clientY;
        drag.frame ||= requestAnimationFrame(draw);
    } else if (press && Math.hypot(event.clientX - press.x, event.clientY - press.y) > 6) {
        if (press.isTouch) cancelPress();
        else startDrag();
    }
});
const cancelPress = () => {
    clearTimeout(press?.timer);
    press = null;
};
page?.addEventListener("pointerup", () => {
    cancelPress();
    if (drag) endDrag({ isDrop: true });
});
page?.addEventListener("pointercancel", () => {
    cancelPress();
    if (drag) endDrag({ isDrop: false });
});
document.addEventListener("keydown", (event) => {
    if (drag && event.key === "Escape") endDrag({ isDrop: false });
});
// A finger that drags does not scroll, and a link that is held is not picked up by the browser.
page?.addEventListener("touchmove", (event) => drag && event.preventDefault(), { passive: false });
page?.addEventListener("dragstart", (event) => event.target.closest(".board-card") && event.preventDefault());
page?.addEventListener("contextmenu", (event) => (drag || press?.isTouch) && event.preventDefault());

page?.addEventListener("click", (event) => {
    const card = event.target.closest(".board-more")?.closest(".board-card");
    if (!card || event.defaultPrevented || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    if (!waiting) openMenu(card);
});

// --- Filters, other jobs, other people ---

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
    const isIdle = !waiting && !drag && !held && !menu?.open;
    if (page && !document.hidden && isIdle && Date.now() - loadedAt > STALE) refresh().catch(() => {});
});

if (page && strip()) begin();
