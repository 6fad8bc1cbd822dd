// The editor while somebody writes: asks the gate what it says to the text so far, sends with Ctrl + Enter, shows the
// preview, and warns before a text is left behind. Without it the page works; the gate is asked when Send is pressed.

const PAUSE = 600; // milliseconds of not typing before the text is checked

const form = document.querySelector("#compose[data-check]");

if (form) {
    const box = document.querySelector("#check");
    const sentence = document.querySelector("#check-sentence");
    const detail = document.querySelector("#check-detail");
    const opening = sentence.textContent;
    const body = form.elements.namedItem("body");
    const subject = form.elements.namedItem("subject");
    const watched = ["subject", "body", "touchpoint"].map((name) => form.elements.namedItem(name)).filter(Boolean);
    const state = () => watched.map((field) => field.value).join("\u0000");
    const atFirst = state();
    const wasRefused = form.hasAttribute("data-refused"); // what stands there was sent before and did not leave
    let checked = atFirst;
    let timer = 0;
    let request = null;
    let isLeaving = false;

    const show = (tone, words, html) => {
        box.className = tone ? `desk-check desk-check-${tone}` : "desk-check";
        // The same words are not said again, so that a screen reader is not interrupted by them.
        if (sentence.textContent !== words) sentence.textContent = words;
        if (detail.innerHTML !== html) detail.innerHTML = html;
    };

    const check = async () => {
        if (state() === checked) return;
        checked = state();
        request?.abort();
        if (!body.value.trim()) {
            show("", opening, "");
            return;
        }
        request = new AbortController();
        try {
            const response = await fetch(form.dataset.check, {
                method: "POST",
                body: new FormData(form),
                signal: request.signal,
            });
            if (!response.ok || response.redirected) throw new Error("no answer");
            const said = await response.json();
            show(said.tone, said.sentence, said.html);
        } catch (error) {
            if (error.name === "AbortError") return;
            show("", "The text could not be checked just now. It is checked when you press Send.", "");
        }
    };

    const checkSoon = () => {
        clearTimeout(timer);
        timer = setTimeout(check, PAUSE);
    };

    watched.forEach((field) => field.addEventListener("input", checkSoon));

    form.addEventListener("keydown", (event) => {
        const isInText = event.target === body || event.target === subject;
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && isInText) {
            event.preventDefault();
            form.requestSubmit(form.querySelector("[name=_send]"));
        }
    });

    form.addEventListener("submit", (event) => {
        if (event.submitter?.hasAttribute("data-preview")) {
            const preview = document.querySelector("#preview");
            preview.classList.add("desk-preview-open");
            document.querySelector("#preview-subject").textContent = subject.value || "—";
            preview.scrollIntoView({ block: "nearest" });
            return;
        }
        if (isLeaving) {
            event.preventDefault(); // pressed twice
            return;
        }
        isLeaving = true;
        form.setAttribute("aria-busy", "true");
    });

    // Coming back with the browser's Back button: the page can be used again.
    window.addEventListener("pageshow", () => {
        isLeaving = false;
        form.removeAttribute("aria-busy");
    });

    window.addEventListener("beforeunload", (event) => {
        if (!isLeaving && (wasRefused || state() !== atFirst)) event.preventDefault();
    });

    // What was refused is shown at once, and in any case what the gate says to it.
    if (box.classList.contains("desk-check-grave")) {
        box.scrollIntoView({ block: "center" });
    } else if (wasRefused) {
        checked = "";
        checkSoon();
    }
}
