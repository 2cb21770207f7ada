'use strict';

/** The charts of length against score. */
(function (Report) {
  /** Numbers of characters that are named at an axis of a logarithm. */
  const TICKS = [0, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000];

  const quantitative = (field, title, more = {}) => ({
    field,
    type: 'quantitative',
    title,
    scale: { zero: false },
    ...more,
  });

  /** A point per model: mean length of its answers, its score and its interval. */
  function ofModels(values, titleOfScore) {
    const { t } = Report;
    const { accent, muted } = Report.charts.colours();
    const x = quantitative('chars', t('length.chars_mean'), {
      scale: { type: 'log', nice: false, padding: 18 },
    });
    const tooltip = [
      { field: 'model', title: t('leaderboard.model') },
      { field: 'chars', title: t('length.chars_mean'), format: '.0f' },
      { field: 'value', title: t('cell.value'), format: '.2f' },
      { field: 'interval', title: t('cell.interval') },
    ];
    return {
      width: 'container',
      height: 320,
      data: { values },
      encoding: { x },
      layer: [
        {
          mark: { type: 'rule', color: muted, opacity: 0.5 },
          encoding: { y: quantitative('low', titleOfScore), y2: { field: 'high' } },
        },
        {
          mark: { type: 'point', filled: true, size: 60, color: accent, opacity: 1 },
          encoding: { y: quantitative('value', titleOfScore), tooltip },
        },
        {
          mark: { type: 'text', align: 'left', dx: 7, dy: -1, limit: 160 },
          encoding: { y: quantitative('value', titleOfScore), text: { field: 'model' } },
        },
      ],
    };
  }

  /** A point per answer, and the mean of each tenth of the answers by length. */
  function ofAnswers(points, tenths, titleOfScore) {
    const { t } = Report;
    const { accent, muted } = Report.charts.colours();
    const x = quantitative('chars', t('length.chars'), {
      scale: { type: 'symlog', zero: true, constant: 10 },
      axis: { values: TICKS },
    });
    const y = quantitative('score', titleOfScore);
    return {
      width: 'container',
      height: 280,
      layer: [
        {
          data: { values: points },
          mark: { type: 'circle', size: 14, color: muted, opacity: 0.28 },
          encoding: { x, y },
        },
        {
          data: { values: tenths },
          mark: { type: 'line', color: accent, strokeWidth: 2.5, point: { color: accent, size: 45, filled: true } },
          encoding: {
            x,
            y,
            tooltip: [
              { field: 'range', title: t('length.chars') },
              { field: 'score', title: t('length.mean'), format: '.2f' },
              { field: 'n', title: t('length.answers') },
            ],
          },
        },
      ],
    };
  }

  /** ROUGE-L against the judge, for a third of the answers by length. */
  function againstRouge(points, title, titleOfScore) {
    const { accent } = Report.charts.colours();
    return {
      title,
      width: 280,
      height: 210,
      data: { values: points },
      mark: { type: 'circle', size: 16, color: accent, opacity: 0.35 },
      encoding: {
        x: quantitative('rouge', 'ROUGE-L', { scale: { domain: [0, 100] } }),
        y: quantitative('score', titleOfScore),
      },
    };
  }

  Report.lengthSpecs = { ofModels, ofAnswers, againstRouge };
})(window.Report);
