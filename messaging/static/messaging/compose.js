// The editor while somebody writes: asks the gate what it says to the text so far, saves the draft, sends with Ctrl + Enter,
// shows the preview, puts in names and days, and warns before a text is left behind. Without it the page works; the gate is
// asked when Send is pressed, and the draft is saved by its button.

const PAUSE = 600; // milliseconds of not typing before the text is checked
const SAVED_EVERY = 2000; // milliseconds from a first change until the draft is saved

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

    // --- The draft ---

    const saved = document.querySelector("#saved");
    const kept = ["subject", "body", "note"].map((name) => form.elements.namedItem(name)).filter(Boolean);
    const words = () => kept.map((field) => field.value).join("\u0000");
    let stored = words();
    let isSaving = false;
    let saveTimer = 0;

    // Said aloud only where it was asked for or did not work: nobody wants to hear it every few seconds.
    const saySaved = (sentence, tone) => {
        saved.setAttribute("aria-live", tone);
        saved.textContent = sentence;
    };

    const isUnsaved = () => (form.dataset.draft ? words() !== stored : wasRefused || state() !== atFirst);

    const saveSoon = () => {
        if (form.dataset.draft && !saveTimer) saveTimer = setTimeout(() => save(), SAVED_EVERY);
    };

    const save = async (tone = "off") => {
        clearTimeout(saveTimer);
        saveTimer = 0;
        if (!form.dataset.draft || isSaving || isLeaving || words() === stored) return;
        isSaving = true;
        const now = words();
        try {
            // `keepalive`: it arrives even when the page is closed meanwhile.
            const response = await fetch(form.dataset.draft, { method: "POST", body: new FormData(form), keepalive: true });
            const said = response.headers.get("Content-Type")?.startsWith("application/json") ? await response.json() : {};
            if (!said.sentence) throw new Error("no answer");
            if (response.ok) stored = now;
            saySaved(said.sentence, response.ok ? tone : "polite");
        } catch {
            saySaved("The draft could not be saved just now; it is tried again.", "polite");
        }
        isSaving = false;
        if (words() !== stored) saveSoon();
    };

    kept.forEach((field) => field.addEventListener("input", saveSoon));
    document.addEventListener("visibilitychange", () => {
        if (document.visibilityState === "hidden") save();
    });

    // --- Keys, and values that are put in ---

    document.addEventListener("keydown", (event) => {
        if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
        const isInText = event.target === body || event.target === subject;
        const next = form.querySelector("[name=_send_next]");
        if (event.key === "Enter" && isInText) {
            event.preventDefault();
            form.requestSubmit((event.shiftKey && next) || form.querySelector("[name=_send]"));
        } else if (event.key === "s" && form.dataset.draft) {
            event.preventDefault();
            if (words() === stored) saySaved("Everything is saved.", "polite");
            save("polite");
        }
    });

    let place = body;
    for (const field of [subject, body]) {
        field.addEventListener("focus", () => {
            place = field;
        });
    }
    document.addEventListener("click", (event) => {
        const value = event.target.closest("[data-insert]")?.dataset.insert;
        if (!value) return;
        place.focus();
        place.setRangeText(value, place.selectionStart, place.selectionEnd, "end");
        place.dispatchEvent(new Event("input", { bubbles: true }));
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
        if (!isLeaving && isUnsaved()) event.preventDefault();
    });

    // What was refused is shown at once, and in any case what the gate says to a text that is there already.
    if (box.classList.contains("desk-check-grave")) {
        box.scrollIntoView({ block: "center" });
    } else if (wasRefused || form.hasAttribute("data-begun")) {
        checked = "";
        checkSoon();
    }
}
