'use strict';

/** A task's scores as its data file holds them: a row per document, a place per model. */
(function (Report) {
  const { known } = Report.format;

  /** How an answer stands; the same numbers as in the data files. */
  const STATES = { given: 0, notGenerated: 1, notJudged: 2, absent: 3 };

  class Scores {
    /** @param {Object} task of the index @param {Object} content of data/tasks/<place>.js */
    constructor(task, content) {
      this.task = task;
      this.content = content;
      this.models = Report.data.index.models.length;
      this.length = content.doc_id.length;
    }

    /** @returns {?number} */
    score(measure, document, model) {
      return this.content.scores[measure]?.[document * this.models + model] ?? null;
    }

    chars(document, model) {
      return this.content.chars[document * this.models + model];
    }

    state(document, model) {
      return Number(this.content.states[document * this.models + model]);
    }

    /** Mean, least, greatest and spread of a document's scores over some models. */
    summary(measure, document, models) {
      const values = models.map((model) => this.score(measure, document, model)).filter(known);
      if (!values.length) return { mean: null, low: null, high: null, spread: null };
      const low = Math.min(...values);
      const high = Math.max(...values);
      return { mean: values.reduce((sum, value) => sum + value, 0) / values.length, low, high, spread: high - low };
    }

    /** Least and greatest score by a measure. */
    range(measure) {
      let low = Infinity;
      let high = -Infinity;
      for (const value of this.content.scores[measure] ?? []) {
        if (value === null) continue;
        if (value < low) low = value;
        if (value > high) high = value;
      }
      return low <= high ? [low, high] : [0, 1];
    }

    /** How many decimals its scores need: none where all are whole. */
    digits(measure) {
      const values = this.content.scores[measure] ?? [];
      if (values.every((value) => value === null || Number.isInteger(value))) return 0;
      return Report.format.digits(values);
    }

    /** The chunk that a document's answers are in, and its place there. */
    chunkOf(document) {
      const { starts } = this.content;
      let chunk = 0;
      while (chunk + 1 < starts.length && starts[chunk + 1] <= document) chunk += 1;
      return { chunk, offset: document - starts[chunk] };
    }
  }

  /** @param {number} place of the task @returns {Promise<Scores>} */
  async function load(place) {
    return new Scores(Report.data.index.tasks[place], await Report.data.load(`tasks/${place}`));
  }

  Report.scores = { load, STATES };
})(window.Report);
