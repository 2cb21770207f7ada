'use strict';

/** Free text: questions and ids at once, references and answers as their files come in. */
(function (Report) {
  /** How many files are read at a time. */
  const AT_ONCE = 4;

  /**
   * @param {Object} scores of a task
   * @param {number} place of the task
   * @param {{word: string, answers: boolean, onFound: (found: Set<number>, done: number, all: number) => void, isOver: () => boolean}} wish
   *   `onFound` is called with the documents found so far; `isOver` tells that nobody waits any more
   */
  async function search(scores, place, wish) {
    const { content } = scores;
    const word = wish.word.toLowerCase();
    const found = new Set();
    const holds = (text) => typeof text === 'string' && text.toLowerCase().includes(word);
    for (let document = 0; document < scores.length; document += 1) {
      if (
        holds(content.question[document]) ||
        holds(content.question_id[document]) ||
        String(content.doc_id[document]) === word
      )
        found.add(document);
    }
    const chunks = wish.answers ? content.starts.map((_, chunk) => chunk) : [];
    wish.onFound(found, 0, chunks.length);
    let done = 0;
    async function work() {
      for (let chunk = chunks.shift(); chunk !== undefined && !wish.isOver(); chunk = chunks.shift()) {
        const answers = await Report.data.load(`answers/${place}-${chunk}`);
        const first = content.starts[chunk];
        answers.reference.forEach((text, at) => holds(text) && found.add(first + at));
        answers.context.forEach((text, at) => holds(text) && found.add(first + at));
        answers.answer.forEach((text, row) => holds(text) && found.add(first + answers.document[row]));
        done += 1;
        if (!wish.isOver()) wish.onFound(found, done, content.starts.length);
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }

  Report.search = search;
})(window.Report);
