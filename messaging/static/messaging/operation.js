// Counts what is ticked before a bulk act is confirmed, and follows one that is at work. Without it the server counts when
// the form is sent, and the page is loaded again to see how far it is.

const PAUSE = 1500; // milliseconds between two looks at the progress

const form = document.querySelector("form[data-bulk]");

if (form) {
    const ticks = [...form.querySelectorAll(".bulk-tick[data-messages]")];
    const tally = document.querySelector("#tally");
    const numbers = {
        people: [form.querySelector("[data-tally=people]"), document.querySelector("#confirm-number")],
        messages: [form.querySelector("[data-tally=messages]"), document.querySelector("#typed-number")],
        tasks: [form.querySelector("[data-tally=tasks]")],
    };
    const typed = form.querySelector(".bulk-typed");

    const count = () => {
        const kept = ticks.filter((tick) => tick.checked);
        const sum = (name) => kept.reduce((all, tick) => all + Number(tick.dataset[name]), 0);
        const counted = { people: kept.length, messages: sum("messages"), tasks: sum("tasks") };
        for (const [name, places] of Object.entries(numbers)) {
            places.forEach((place) => {
                if (place) place.textContent = counted[name];
            });
        }
        typed.hidden = counted.messages <= Number(form.dataset.typedAbove);
        const out = ticks.length - kept.length;
        tally.textContent = out ? `${out} left out, ${kept.length} to go.` : "";
    };

    ticks.forEach((tick) => tick.addEventListener("change", count));
    count(); // a page that the browser brought back has its ticks as they were
}

const progress = document.querySelector("#progress[data-poll]");

if (progress) {
    const look = async () => {
        try {
            const response = await fetch(progress.dataset.poll);
            if (!response.ok || response.redirected) throw new Error("no answer");
            progress.innerHTML = await response.text();
            if (!progress.querySelector("[data-at-work]")) {
                location.reload(); // with what became of everybody
                return;
            }
        } catch {
            // The next look may be luckier.
        }
        setTimeout(look, PAUSE);
    };
    setTimeout(look, PAUSE);
}
