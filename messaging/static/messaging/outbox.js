// Choosing messages: all at once, a range with Shift, and how many there are. Without it every box is ticked by hand and
// the buttons ask again on the next page.

const form = document.querySelector("#outbox");
const all = document.querySelector("#choose-all");

if (form && all) {
    const boxes = [...form.querySelectorAll(".outbox-choose")];
    const words = document.querySelector("#chosen");
    const buttons = form.querySelectorAll(".outbox-bar button");
    const everything = document.querySelector("#choose-everything"); // those on other pages as well
    let last = null;

    const show = () => {
        const number = boxes.filter((box) => box.checked).length;
        all.checked = number === boxes.length;
        all.indeterminate = number > 0 && number < boxes.length;
        const chosen = everything?.checked ? "All chosen" : `${number} chosen`;
        const said = number || everything?.checked ? chosen : `Choose all ${boxes.length}`;
        if (words.textContent !== said) words.textContent = said;
        buttons.forEach((button) => {
            button.disabled = number === 0 && !everything?.checked;
        });
    };

    all.hidden = false;
    all.addEventListener("change", () => {
        boxes.forEach((box) => {
            box.checked = all.checked;
        });
        show();
    });
    everything?.addEventListener("change", show);
    boxes.forEach((box, index) => {
        box.addEventListener("click", (event) => {
            if (event.shiftKey && last !== null) {
                boxes.slice(Math.min(last, index), Math.max(last, index) + 1).forEach((other) => {
                    other.checked = box.checked;
                });
            }
            last = index;
            show();
        });
    });
    // What the browser ticked again after Back.
    window.addEventListener("pageshow", show);
    show();
}
