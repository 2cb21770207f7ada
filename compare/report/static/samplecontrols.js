'use strict';

/** The filters of the sample browser: those used most in a row, the others folded away. */
(function (Report) {
  const { h } = Report;

  const PLACES = [
    ['', 'samples.in_questions'],
    ['answers', 'samples.in_answers'],
  ];
  const FAILURES = [
    ['', 'samples.all'],
    ['any', 'samples.failed_any'],
    ['generation', 'samples.failed_generation'],
    ['judge', 'samples.failed_judge'],
    ['absent', 'samples.failed_absent'],
  ];
  const ORDERS = [
    ['', 'samples.by_number'],
    ['spread', 'samples.by_spread'],
    ['worst', 'samples.by_worst'],
    ['best', 'samples.by_best'],
  ];
  /** What lies below "more filters"; open from the start if one of them is set. */
  const FOLDED = ['model', 'low', 'high', 'spread', 'failed', 'models'];

  const translated = (options) => options.map(([value, key]) => [value, Report.t(key)]);

  /**
   * @param {{task: Object, scores: Object, state: Object<string, string>, measure: string, models: number[],
   *   change: (name: string) => (value: string) => void, pick: (models: number[]) => void}} browser
   * @returns {HTMLElement}
   */
  Report.sampleControls = function sampleControls(browser) {
    const { t } = Report;
    const { state } = browser;
    return h(
      'div',
      { class: 'filters' },
      h('div', { class: 'controls' }, first(browser)),
      h(
        'details',
        { class: 'more-filters', open: FOLDED.some((name) => state[name] !== '') },
        h('summary', null, t('samples.more')),
        h('div', { class: 'controls' }, more(browser)),
      ),
    );
  };

  function first(browser) {
    const { task, scores, state, measure } = browser;
    const change = (name) => browser.change(name);
    const { t, choices, format } = Report;
    const names = Report.data.index.tasks.map((one) => [one.name, one.name]);
    const categories = [...new Set(scores.content.category)].filter(Boolean).sort();
    const named = [['', t('samples.all')], ...categories.map((name) => [name, format.metric(name)])];
    const measures = task.measures.map((name) => [name, format.metric(name)]);
    const hint = { placeholder: t('samples.search_hint') };
    return [
      choices.select(t('task'), names, task.name, (name) => Report.go(Report.router.link('samples', [name]))),
      choices.field(t('samples.search'), 'search', state.q, change('q'), hint),
      choices.select(t('samples.in'), translated(PLACES), state.in, change('in')),
      categories.length > 1
        ? choices.select(t('categories.category'), named, state.category, change('category'))
        : null,
      measures.length ? choices.select(t('measure'), measures, measure, change('by')) : null,
      choices.select(t('samples.sort'), translated(ORDERS), state.sort, change('sort')),
    ];
  }

  function more(browser) {
    const { scores, state, measure, models } = browser;
    const change = (name) => browser.change(name);
    const { t, choices, format } = Report;
    const all = Report.data.index.models;
    const [low, high] = scores.range(measure);
    const any = { step: 'any' };
    return [
      choices.select(
        t('samples.model'),
        [['', t('samples.mean')], ...all.map((model, i) => [String(i), model.label])],
        state.model,
        change('model'),
      ),
      choices.field(t('samples.low'), 'number', state.low, change('low'), {
        ...any,
        placeholder: format.score(low, 0),
      }),
      choices.field(t('samples.high'), 'number', state.high, change('high'), {
        ...any,
        placeholder: format.score(high, 0),
      }),
      choices.field(t('samples.spread'), 'number', state.spread, change('spread'), { ...any, min: 0 }),
      choices.select(t('samples.failed'), translated(FAILURES), state.failed, change('failed')),
      choices.models(models, all.length, (chosen) => browser.pick(chosen)),
    ];
  }
})(window.Report);
