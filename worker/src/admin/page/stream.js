// The stream of samples: opened, watched, and opened again for as long as the page is there. An EventSource alone
// gives up on an answer that is no stream, and does not notice a connection that has gone silent.

const SILENCE = 4000;
const AGAIN = [500, 1000, 2000, 4000];

/** `told.history` and `told.sample` get what came; `told.lost` is called once, when nothing has come for too long. */
export function follow(url, told) {
  let source, watch, tries = 0, lost = false;

  function heard() {
    clearTimeout(watch);
    watch = setTimeout(silent, SILENCE);
    lost = false;
  }
  function silent() {
    if (!lost) told.lost();
    lost = true;
    again();
  }
  function again() {
    source.close();
    clearTimeout(watch);
    watch = setTimeout(open, AGAIN[Math.min(tries, AGAIN.length - 1)]);
    tries += 1;
  }
  function open() {
    source = new EventSource(url);
    // An answer that does not come is silence as well.
    watch = setTimeout(silent, SILENCE);
    source.addEventListener("history", (event) => {
      heard();
      told.history(JSON.parse(event.data));
    });
    source.addEventListener("sample", (event) => {
      tries = 0;
      heard();
      told.sample(JSON.parse(event.data));
    });
    source.addEventListener("error", silent);
  }
  open();
}
