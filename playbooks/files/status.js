// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Sorts, filters and details of the table. What comes from a device is only ever set as text.
'use strict';
(() => {
  const byId = (id) => document.getElementById(id);
  const table = document.querySelector('table');
  const body = table.tBodies[0];
  const compareText = new Intl.Collator('en', { numeric: true, sensitivity: 'base' }).compare;

  const hosts = JSON.parse(byId('data').textContent).map((values, index) => {
    const [state, names, numbers, rollout, facts, findings, users, usersOmitted, drift, driftOmitted, kills] = values;
    const [host, kernel, engine, bootDefault, previous, waiting] = names;
    const [fullest, limits, fileDrift, inventoryDrift, killCount] = numbers;
    return {
      index, row: body.rows[index], severity: state[0], reachable: state[1] === 1,
      host, kernel, engine, default: bootDefault, previous, waiting, fullest, limits,
      drift: fileDrift === null && inventoryDrift === null ? null : (fileDrift || 0) + (inventoryDrift || 0),
      kills: killCount, age: rollout[0], outcome: rollout[1], release: rollout[2],
      facts, findings, users, usersOmitted, driftTexts: drift, driftOmitted, lastKills: kills, details: null,
      text: [host, kernel, engine, bootDefault, previous, waiting, rollout[1], facts[0], facts[1],
        ...findings.map((found) => found[1])].join('\n').toLowerCase(),
    };
  });

  // Name, value of a host, whether the largest is first at the first click, column of the table.
  const orders = [
    ['State', (host) => host.severity * 2 + (host.reachable ? 1 : 0), false, 0],
    ['Host', (host) => host.host, false, 1],
    ['Kernel', (host) => host.kernel, false, 2],
    ['Engine', (host) => host.engine, false],
    ['Default kernel', (host) => host.default, false],
    ['Previous kernel', (host) => host.previous, false],
    ['Waiting kernel', (host) => host.waiting, false],
    ['Usage of limit', (host) => host.fullest, true, 3],
    ['Limits', (host) => host.limits, true, 4],
    ['Drift', (host) => host.drift, true, 5],
    ['Kills in 24 h', (host) => host.kills, true, 6],
    ['Last rollout', (host) => host.age, false, 7],
  ];
  let order = 0;
  let descending = false;
  let visible = hosts;

  const isNothing = (value) => value === null || value === '';
  const compare = (one, other) => {
    const value = orders[order][1];
    const [a, b] = [value(one), value(other)];
    // What is not known comes last in either direction.
    if (isNothing(a) || isNothing(b)) return isNothing(a) - isNothing(b) || one.index - other.index;
    const difference = typeof a === 'string' ? compareText(a, b) : a - b;
    return (descending ? -difference : difference) || one.index - other.index;
  };

  const show = () => {
    const fragment = document.createDocumentFragment();
    visible.slice().sort(compare).forEach((host) => {
      fragment.append(host.row);
      if (host.details) fragment.append(host.details);
    });
    body.replaceChildren(fragment);
    byId('shown').textContent = visible.length === hosts.length
      ? `${hosts.length.toLocaleString('en')} hosts`
      : `${visible.length.toLocaleString('en')} of ${hosts.length.toLocaleString('en')} hosts`;
    byId('empty').hidden = visible.length > 0;
    table.hidden = visible.length === 0;
  };

  const kinds = {
    all: () => true,
    attention: (host) => host.severity < 2,
    unreachable: (host) => !host.reachable,
    drift: (host) => host.drift > 0,
    kills: (host) => host.kills > 0,
  };
  const filter = () => {
    const kind = kinds[document.querySelector('[name=show]:checked').value];
    const words = byId('find').value.toLowerCase().split(/\s+/).filter(Boolean);
    visible = hosts.filter((host) => kind(host) && words.every((word) => host.text.includes(word)));
    show();
  };

  const headings = [...table.tHead.rows[0].cells];
  const sort = (which, falling) => {
    order = which;
    descending = falling;
    headings.forEach((heading, column) => {
      if (column === orders[order][3]) {
        heading.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
      } else {
        heading.removeAttribute('aria-sort');
      }
    });
    byId('sort').value = String(which);
    show();
  };

  headings.forEach((heading, column) => {
    const which = orders.findIndex((each) => each[3] === column);
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = heading.textContent;
    button.addEventListener('click', () => sort(which, which === order ? !descending : orders[which][2]));
    heading.replaceChildren(button);
  });
  orders.forEach(([name, , largestFirst], which) => {
    const option = new Option(name, String(which));
    byId('sort').append(option);
    option.dataset.falling = largestFirst;
  });
  byId('sort').addEventListener('change', (event) => {
    const which = Number(event.target.value);
    sort(which, orders[which][2]);
  });

  const size = (bytes) => {
    if (bytes === null) return 'no limit';
    const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
    let unit = 0;
    for (; bytes >= 1024 && unit < 4; unit += 1) bytes /= 1024;
    return `${unit ? bytes.toFixed(1).replace(/\.0$/, '') : bytes} ${units[unit]}`;
  };
  const time = (seconds) => {
    if (seconds === null) return 'unknown time';
    for (const [unit, length] of [['d', 86400], ['h', 3600], ['min', 60]]) {
      if (seconds >= 2 * length || (seconds >= length && unit === 'min')) return `${Math.floor(seconds / length)} ${unit}`;
    }
    return `${seconds} s`;
  };

  const list = (title, lines) => {
    if (!lines.length) return [];
    const section = document.createElement('section');
    const heading = document.createElement('h2');
    heading.textContent = title;
    const items = document.createElement('ul');
    lines.forEach(([text, kind]) => {
      const item = document.createElement('li');
      item.textContent = text;
      if (kind) item.className = kind;
      items.append(item);
    });
    section.append(heading, items);
    return [section];
  };
  const describe = (host) => {
    const [arch, os, uptime, trial] = host.facts;
    const lines = (texts, omitted) => texts.concat(omitted ? [`${omitted} more`] : []).map((text) => [text]);
    const facts = [
      os && `${os} on ${arch}`, uptime !== null && `up for ${time(uptime)}`,
      host.default && `default kernel ${host.default}`, host.previous && `previous kernel ${host.previous}`,
      trial && `to be tried: ${trial}`, host.waiting && `distribution kernel that waits: ${host.waiting}`,
      host.outcome && `last rollout ${host.outcome} ${time(host.age)} ago: ${host.release}`,
    ].filter(Boolean);
    const users = host.users.map(([uid, usage, max, processes, kills]) => `UID ${uid}: ${size(usage)} of ${size(max)}, `
      + `${processes} process${processes === 1 ? '' : 'es'}, ${kills} kill${kills === 1 ? '' : 's'}`);
    const kills = host.lastKills.map(([age, uid, comm, usage, max]) => `${time(age)} ago: ${comm} of UID ${uid}, `
      + `${size(usage)} of ${size(max)}`);
    return [
      ...list('Findings', host.findings.map(([kind, text]) => [text, kind])),
      ...list('Users with limits', lines(users, host.usersOmitted)),
      ...list('Drift', lines(host.driftTexts, host.driftOmitted)),
      ...list('Last kills', lines(kills, 0)),
      ...list('Host', lines(facts, 0)),
    ];
  };

  hosts.forEach((host) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'more';
    button.textContent = 'Details';
    button.setAttribute('aria-expanded', 'false');
    button.setAttribute('aria-label', `Details of ${host.host}`);
    button.addEventListener('click', () => {
      if (host.details) {
        host.details.remove();
        host.details = null;
      } else {
        host.details = document.createElement('tr');
        host.details.className = 'd';
        const cell = host.details.insertCell();
        cell.colSpan = headings.length;
        cell.setAttribute('role', 'cell');
        host.details.setAttribute('role', 'row');
        cell.appendChild(document.createElement('div')).append(...describe(host));
        host.row.after(host.details);
      }
      button.setAttribute('aria-expanded', String(host.details !== null));
    });
    host.row.cells[0].append(button);
  });

  // A narrow page lays the table out as cards, which would take its meaning from it.
  table.setAttribute('role', 'table');
  table.tHead.setAttribute('role', 'rowgroup');
  body.setAttribute('role', 'rowgroup');
  [...table.rows].forEach((row) => {
    row.setAttribute('role', 'row');
    [...row.cells].forEach((cell) => {
      cell.setAttribute('role', { col: 'columnheader', row: 'rowheader' }[cell.scope] || 'cell');
    });
  });

  document.querySelectorAll('[name=show]').forEach((each) => {
    each.addEventListener('change', filter);
  });
  byId('find').addEventListener('input', filter);
  byId('tools').addEventListener('submit', (event) => event.preventDefault());
  byId('tools').hidden = false;
  filter();
  sort(0, false);
})();
