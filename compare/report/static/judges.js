'use strict';

/** Judge health: how much was judged, what failed, how far the judge's runs differ, and who judged. */
(function (Report) {
  const { h, fill } = Report;

  /** How many rows are shown at once; of more, those of one task are. */
  const MOST = 200;

  async function render(root, route) {
    const { t } = Report;
    const { index, load, rows } = Report.data;
    const all = rows(await load('health'));
    if (!all.length) {
      fill(root, h('p', { class: 'nothing' }, t('judges.nothing')));
      return;
    }
    const task = index.tasks.findIndex((one) => one.name === route.parts[0]);
    const shown = task === -1 ? all : all.filter((row) => row.task === task);
    const options = [['', t('judges.all_tasks')], ...index.tasks.map((one) => [one.name, one.name])];
    fill(
      root,
      h(
        'div',
        { class: 'controls' },
        Report.choices.select(t('task'), options, task === -1 ? '' : index.tasks[task].name, (name) =>
          Report.go(Report.router.link('judges', name ? [name] : [])),
        ),
      ),
      summary(shown),
      shown.length > MOST ? h('p', { class: 'hint' }, t('judges.choose')) : table(shown),
    );
  }

  /** A line per task and protocol: who judged, and the worst of what was seen. */
  function summary(rows) {
    const { t, format } = Report;
    const { index } = Report.data;
    const groups = new Map();
    for (const row of rows) {
      const key = `${row.task}/${row.protocol}/${row.judge}`;
      groups.set(key, [...(groups.get(key) ?? []), row]);
    }
    const sum = (group, name) => group.reduce((total, row) => total + (row[name] ?? 0), 0);
    return h(
      'section',
      null,
      h('h2', null, t('judges.summary')),
      Report.table({
        caption: t('judges.summary'),
        rows: [...groups.values()],
        columns: [
          {
            key: 'task',
            label: t('task'),
            order: (group) => index.tasks[group[0].task].name,
            cell: (group) => h('th', { scope: 'row' }, Report.text.inline(index.tasks[group[0].task].name)),
          },
          {
            key: 'protocol',
            label: t('judges.protocol'),
            order: (group) => group[0].protocol,
            cell: (group) => (group[0].protocol ? Report.text.inline(group[0].protocol) : format.missing),
          },
          {
            key: 'judge',
            label: t('judges.judge'),
            order: (group) => group[0].judge,
            cell: (group) => (group[0].judge ? Report.text.inline(group[0].judge) : format.missing),
          },
          {
            key: 'models',
            label: t('judges.models'),
            class: 'number',
            order: (group) => group.length,
            cell: (group) => group.length,
          },
          {
            key: 'coverage',
            label: t('judges.least_coverage'),
            class: 'number',
            order: (group) => Math.min(...group.map((row) => row.coverage)),
            cell: (group) => share(Math.min(...group.map((row) => row.coverage))),
          },
          {
            key: 'failures',
            label: t('judges.failures'),
            class: 'number',
            order: (group) => sum(group, 'judge_failures'),
            cell: (group) => failures(sum(group, 'judge_failures')),
          },
          {
            key: 'parse',
            label: t('judges.parse_failures'),
            class: 'number',
            order: (group) => sum(group, 'parse_failures'),
            cell: (group) => failures(sum(group, 'parse_failures')),
          },
          {
            key: 'fingerprints',
            label: t('judges.fingerprints'),
            class: 'number',
            about: () => t('judges.fingerprints_about'),
            order: (group) => prints(group).length,
            cell: (group) => prints(group).length,
          },
          {
            key: 'usd',
            label: t('leaderboard.usd'),
            class: 'number',
            order: (group) => sum(group, 'usd'),
            cell: (group) => (group.some((row) => row.usd !== null) ? format.usd(sum(group, 'usd')) : format.missing),
          },
        ],
      }),
    );
  }

  const prints = (group) => [...new Set(group.map((row) => row.fingerprint).filter(Boolean))];

  function share(value) {
    return h('td', { class: `number ${value < 0.95 ? 'bad' : ''}` }, Report.format.percent(value, 1));
  }

  function failures(count) {
    return h('td', { class: `number ${count ? 'warn' : 'quiet'}` }, Report.format.count(count));
  }

  function table(rows) {
    const { t, format } = Report;
    const { index } = Report.data;
    const number = (key, name, show) => ({
      key,
      label: t(`judges.${key}`),
      class: 'number',
      descending: true,
      order: (row) => row[name],
      cell: show ?? ((row) => failures(row[name])),
    });
    return h(
      'section',
      null,
      h('h2', null, t('judges.each')),
      Report.table({
        caption: t('judges.each'),
        rows,
        columns: [
          {
            key: 'model',
            label: t('leaderboard.model'),
            order: (row) => index.models[row.model].label,
            cell: (row) => h('th', { scope: 'row', class: 'model' }, Report.text.inline(index.models[row.model].label)),
          },
          {
            key: 'task',
            label: t('task'),
            order: (row) => index.tasks[row.task].name,
            cell: (row) => Report.text.inline(index.tasks[row.task].name),
          },
          {
            key: 'protocol',
            label: t('judges.protocol'),
            order: (row) => row.protocol,
            cell: (row) => (row.protocol ? Report.text.inline(row.protocol) : format.missing),
          },
          { ...number('coverage', 'coverage', (row) => share(row.coverage)), descending: false },
          number('failures', 'judge_failures'),
          number('parse_failures', 'parse_failures'),
          number('generation_failures', 'generation_failures'),
          {
            ...number('run_sd', 'run_sd', (row) => format.score(row.run_sd, 2)),
            about: () => t('judges.run_sd_about'),
          },
          {
            ...number('position_bias', 'position_bias', (row) => format.signed(row.position_bias, 2)),
            about: () => t('judges.position_bias_about'),
          },
          number('replies', 'replies', (row) => format.count(row.replies)),
          {
            key: 'fingerprint',
            label: t('judges.fingerprint'),
            class: 'code',
            order: (row) => row.fingerprint,
            cell: (row) => (row.fingerprint ? Report.text.inline(row.fingerprint.slice(0, 10)) : format.missing),
          },
        ],
      }),
    );
  }

  Report.pages.judges = { render };
})(window.Report);
