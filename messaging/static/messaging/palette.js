// The search palette: Ctrl + K opens it, the arrow keys choose, Enter opens. Without it there is a page that searches.

const PAUSE = 120; // milliseconds of not typing before it is asked

document.addEventListener("DOMContentLoaded", () => {
    const palette = document.querySelector("#palette");
    if (!palette) return;
    const term = palette.querySelector("#palette-term");
    const results = palette.querySelector("#palette-results");
    const live = palette.querySelector("#palette-live");
    let timer = 0;
    let request = null;
    let isFresh = false; // what is shown fits what is typed

    const all = () => [...results.querySelectorAll("[role=option]")];
    const chosen = () => results.querySelector('[aria-selected="true"]');

    const choose = (option) => {
        chosen()?.setAttribute("aria-selected", "false");
        option?.setAttribute("aria-selected", "true");
        option?.scrollIntoView({ block: "nearest" });
        if (option) term.setAttribute("aria-activedescendant", option.id);
        else term.removeAttribute("aria-activedescendant");
    };

    const ask = async () => {
        request?.abort();
        request = new AbortController();
        const { signal } = request;
        const asked = term.value;
        try {
            const address = `${palette.dataset.search}?s=${encodeURIComponent(asked)}`;
            const response = await fetch(address, { headers: { "HX-Request": "true" }, signal });
            if (response.redirected) return location.reload(); // signed out meanwhile
            if (!response.ok) throw new Error(response.statusText);
            results.innerHTML = await response.text();
            const number = all().length;
            isFresh = asked === term.value; // somebody may have typed on while this was on its way
            choose(all()[0]);
            live.textContent = `${number} found.`;
        } catch (error) {
            if (error.name !== "AbortError") live.textContent = "The search does not answer just now.";
        }
    };

    const askSoon = () => {
        isFresh = false;
        clearTimeout(timer);
        timer = setTimeout(ask, PAUSE);
    };

    const open = () => {
        if (palette.open) return;
        term.value = "";
        palette.showModal();
        term.focus();
        ask();
    };

    const follow = async ({ inNewTab }) => {
        if (!isFresh) {
            clearTimeout(timer);
            await ask(); // Enter means what is typed, and not what was found for half of it
        }
        const option = chosen();
        if (!option) return;
        if (inNewTab) window.open(option.href, "_blank", "noopener");
        else location.assign(option.href);
    };

    const step = (by) => {
        const options = all();
        if (options.length) choose(options.at((options.indexOf(chosen()) + by) % options.length));
    };

    document.addEventListener("keydown", (event) => {
        if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
        event.preventDefault();
        if (palette.open) palette.close();
        else if (!document.querySelector("dialog[open]")) open();
    });
    document.addEventListener("click", (event) => {
        if (!event.target.closest("[data-palette]") || event.ctrlKey || event.metaKey) return;
        event.preventDefault();
        open();
    });
    term.addEventListener("input", askSoon);
    term.addEventListener("keydown", (event) => {
        const keys = { ArrowDown: () => step(1), ArrowUp: () => step(-1) };
        keys.Escape = () => palette.close(); // a search field would only empty itself
        keys.Enter = () => follow({ inNewTab: event.ctrlKey || event.metaKey });
        if (!keys[event.key] || event.isComposing) return;
        event.preventDefault();
        keys[event.key]();
    });
    palette.addEventListener("click", (event) => event.target === palette && palette.close());
    results.addEventListener("pointermove", (event) => {
        const option = event.target.closest("[role=option]");
        if (option && option !== chosen()) choose(option);
    });
    palette.addEventListener("close", () => request?.abort());
});
