// The pointer: a card is dragged with the mouse, or with a finger that was held on it.

import { columnOf, columns, moveUrl, page, strip } from "./board-cards.js";
import { isHeld } from "./board-keyboard.js";
import { isWaiting, move } from "./board-moves.js";

const NEAR = 56; // pixels from the edge of the strip at which it scrolls while a card is dragged
const HOLD = 350; // milliseconds of holding until a finger drags and does not scroll

let press = null; // a pointer that is down on a card and has not dragged yet
let drag = null; // { card, ghost, dx, dy, x, y, edges, target, frame }

export const isDragged = () => Boolean(drag);

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

page.addEventListener("pointerdown", (event) => {
    const card = event.target.closest(".board-card");
    if (!moveUrl || !card || event.button !== 0 || event.target.closest(".board-more") || isWaiting() || isHeld()) return;
    press = { card, x: event.clientX, y: event.clientY, id: event.pointerId, isTouch: event.pointerType !== "mouse" };
    if (press.isTouch) press.timer = setTimeout(() => press && startDrag(), HOLD);
});
page.addEventListener("pointermove", (event) => {
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
page.addEventListener("pointerup", () => {
    cancelPress();
    if (drag) endDrag({ isDrop: true });
});
page.addEventListener("pointercancel", () => {
    cancelPress();
    if (drag) endDrag({ isDrop: false });
});
document.addEventListener("keydown", (event) => {
    if (drag && event.key === "Escape") endDrag({ isDrop: false });
});
// A finger that drags does not scroll, and a link that is held is not picked up by the browser.
page.addEventListener("touchmove", (event) => drag && event.preventDefault(), { passive: false });
page.addEventListener("dragstart", (event) => event.target.closest(".board-card") && event.preventDefault());
page.addEventListener("contextmenu", (event) => (drag || press?.isTouch) && event.preventDefault());
