/* While a wording is being written: what there is to say to it, how it would be read, a warning before it is left unsaved, and a draft
   in this tab. Without it the page says all this of what was saved last, and saves as a plain form. */

"use strict";

(function () {
    const PAUSE = 500; // milliseconds of not typing before the text is looked at

    function setUp(form, editor, live) {
        const subject = form.elements.namedItem("subject");
        const body = form.elements.namedItem("body");
        const touchpoint = form.elements.namedItem("touchpoint");
        const candidate = document.querySelector("[name=application][form=wording-gate]");
        const sentence = document.getElementById("heard-sentence");
        const detail = document.getElementById("heard-detail");
        let timer = 0;
        let request = null;

        function text() {
            return {
                csrfmiddlewaretoken: form.elements.namedItem("csrfmiddlewaretoken").value,
                subject: subject.value,
                body: body.value,
                touchpoint: touchpoint ? touchpoint.value : "",
                application: candidate ? candidate.value : "",
            };
        }

        // --- What there is to say ---

        function say(words) {
            // The same words are not said again, so that a screen reader is not interrupted by them.
            if (sentence.textContent !== words) sentence.textContent = words;
        }

        async function look() {
            request?.abort();
            request = new AbortController();
            live.setAttribute("aria-busy", "true");
            try {
                const response = await fetch(live.dataset.look, {
                    method: "POST",
                    body: new URLSearchParams(text()),
                    signal: request.signal,
                });
                if (!response.ok || response.redirected) throw new Error("no answer");
                const said = await response.json();
                say(said.sentence);
                if (detail.innerHTML !== said.html) detail.innerHTML = said.html;
                for (const [reader, note] of Object.entries(said.notes)) {
                    live.querySelector(`[data-note=${reader}]`).innerHTML = note;
                    read(reader);
                }
                live.querySelector("[data-who]").textContent = said.who || "an example candidate";
            } catch (error) {
                if (error.name === "AbortError") return;
                say("The text could not be looked at just now. It is looked at again when you save or go on typing.");
            }
            live.removeAttribute("aria-busy");
        }

        function lookSoon() {
            clearTimeout(timer);
            timer = setTimeout(look, PAUSE);
        }

        // --- The frames ---

        // A new frame each time: one that is posted into again would add a step to the browser's Back button.
        function read(reader) {
            const holder = live.querySelector(`[data-frame=${reader}]`);
            holder.querySelectorAll("[data-coming]").forEach((frame) => frame.remove());
            const old = holder.querySelector("iframe");
            const frame = document.createElement("iframe");
            frame.setAttribute("sandbox", "");
            frame.dataset.coming = "";
            frame.className = "wording-frame";
            frame.title = holder.dataset.title;
            frame.name = `reading-${reader}-${Date.now()}`;
            holder.append(frame);
            frame.addEventListener("load", () => {
                delete frame.dataset.coming;
                old?.remove();
            });
            post(live.dataset[reader], frame.name);
        }

        function post(action, target) {
            const posted = document.createElement("form");
            Object.assign(posted, { method: "post", action, target, hidden: true });
            for (const [name, value] of Object.entries(text())) {
                const field = document.createElement("textarea"); // keeps line ends, as an input would not
                Object.assign(field, { name, value });
                posted.append(field);
            }
            document.body.append(posted);
            posted.submit();
            posted.remove();
        }

        for (const field of [subject, body]) field.addEventListener("input", lookSoon);
        touchpoint?.addEventListener("change", lookSoon);
        if (candidate) {
            const jquery = window.django?.jQuery; // the search field tells nobody else
            if (jquery) jquery(candidate).on("change", lookSoon);
            else candidate.addEventListener("change", lookSoon);
        }

        // --- Leaving ---

        const wasRefused = editor.hasAttribute("data-refused");
        const state = () => new URLSearchParams(new FormData(form)).toString();
        const atFirst = state();
        let isLeaving = false;
        const isUnsaved = () => wasRefused || state() !== atFirst;

        form.addEventListener("submit", () => {
            isLeaving = true;
        });
        window.addEventListener("pageshow", () => {
            isLeaving = false;
        });
        window.addEventListener("beforeunload", (event) => {
            if (!isLeaving && isUnsaved()) event.preventDefault();
        });

        // --- The draft: in this tab alone, gone when it is closed. It is there for when saving failed, or the sign-in was over. ---

        const place = `byhand-wording:${window.location.pathname}`;
        const notice = document.getElementById("wording-draft");

        function keep() {
            try {
                sessionStorage.setItem(place, JSON.stringify({ subject: subject.value, body: body.value }));
            } catch {
                // No room, or not allowed: there is no draft then.
            }
        }

        function drop() {
            sessionStorage.removeItem(place);
            notice.hidden = true;
        }

        function offer() {
            const draft = JSON.parse(sessionStorage.getItem(place) || "null");
            if (!draft || (draft.subject === subject.value && draft.body === body.value)) {
                drop();
                return;
            }
            notice.hidden = false;
            notice.querySelector("[data-draft=restore]").addEventListener("click", () => {
                subject.value = draft.subject;
                body.value = draft.body;
                notice.hidden = true;
                body.focus();
                lookSoon();
            });
            notice.querySelector("[data-draft=drop]").addEventListener("click", () => {
                drop();
                body.focus();
            });
        }

        try {
            offer();
        } catch {
            // Storage is not allowed, or holds something else.
        }
        for (const field of [subject, body]) field.addEventListener("input", keep);
        if (wasRefused) look();
    }

    document.addEventListener("DOMContentLoaded", function () {
        const editor = document.getElementById("wording");
        const live = document.getElementById("wording-live");
        if (editor && live) {
            setUp(editor.closest("form"), editor, live);
        }
    });
})();
