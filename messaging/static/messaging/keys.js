// Keys of a page. Outside of fields, one key does what the element with that `data-key` is for: a field is entered, a summary
// opened, a button or a link pressed. They can be switched off, which speech input needs. Also counts down what can still be
// taken back. Without this script everything is reached with Tab and Enter.

const STORED = "byhand-keys";

const areOn = () => {
    try {
        return localStorage.getItem(STORED) !== "off";
    } catch {
        return true; // the browser keeps nothing
    }
};

const isTyping = (element) =>
    element.closest?.("textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=submit])") !==
    null;

// For other scripts of the page: whether a key is theirs to take.
window.isPlainKey = (event) =>
    areOn() &&
    !event.defaultPrevented &&
    !event.ctrlKey &&
    !event.metaKey &&
    !event.altKey &&
    !isTyping(event.target);

const press = (place) => {
    if (place.matches("input, textarea, select")) {
        place.focus();
        // Coming to a text that was begun, one goes on at its end.
        if (place.selectionEnd === 0) place.setSelectionRange(place.value.length, place.value.length);
        place.scrollIntoView({ block: "center" });
        return;
    }
    if (place.matches("summary")) {
        place.parentElement.open = true;
        (place.parentElement.querySelector("select, textarea, input:not([type=hidden])") ?? place).focus();
        return;
    }
    place.click();
};

document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && isTyping(event.target)) {
        event.target.blur();
        return;
    }
    if (!window.isPlainKey(event)) return;
    const place = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!place?.checkVisibility()) return;
    event.preventDefault();
    press(place);
});

const toggle = document.querySelector("#keys-on");

if (toggle) {
    toggle.checked = areOn();
    toggle.addEventListener("change", () => {
        try {
            localStorage.setItem(STORED, toggle.checked ? "on" : "off");
        } catch {
            toggle.checked = true;
        }
    });
}

for (const offer of document.querySelectorAll("[data-undo]")) {
    const left = offer.querySelector("[data-undo-left]");
    const end = Date.now() + Number(offer.dataset.undo) * 1000;
    const tick = () => {
        const seconds = Math.ceil((end - Date.now()) / 1000);
        if (seconds > 0) {
            left.textContent = `, in ${seconds} s`;
            left.setAttribute("aria-hidden", "true"); // nobody wants to hear every second
            setTimeout(tick, 1000);
            return;
        }
        offer.remove();
    };
    tick();
}
