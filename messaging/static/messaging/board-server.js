// What the board asks the server: to do something, or how it looks now.

import { begin, columns, focusOn, listOf, page, strip, sum } from "./board-cards.js";

const STALE = 60_000; // milliseconds after which a board that comes back into view is loaded again

let loadedAt = Date.now();

export const isStale = () => Date.now() - loadedAt > STALE;

export const post = async (url, fields) => {
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

export const refresh = async () => {
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
