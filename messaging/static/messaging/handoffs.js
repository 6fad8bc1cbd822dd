// The list with the keyboard: j and k go from row to row, Enter opens, c claims, x chooses. The keys of the page are in keys.js.

const rows = [...document.querySelectorAll("#result_list .data-row")];
const link = (row) => row.querySelector("th a, td a");

document.addEventListener("keydown", (event) => {
    if (!window.isPlainKey(event) || !rows.length) return;
    const at = rows.findIndex((row) => row.contains(document.activeElement));
    const row = rows[at];
    const act = {
        j: () => link(rows[Math.min(at + 1, rows.length - 1)]).focus(),
        k: () => link(rows[Math.max(at - 1, 0)]).focus(),
        c: () => row?.querySelector(".desk-claim")?.click(),
        x: () => row?.querySelector("input.action-select")?.click(),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
    document.activeElement.scrollIntoView({ block: "nearest" });
});
