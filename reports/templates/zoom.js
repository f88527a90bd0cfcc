
/* Hover and zoom: a button at each chart swaps its picture for one that answers to the pointer.
   Values are read back from the paths of the picture, so they are as exact as a quarter of one of its pixels. */
{
  const LINE = 1.75;
  const shown = (value) => value == null ? "–" : value.toLocaleString("en-US", { maximumSignificantDigits: 4 });
  const style = (element, name) => getComputedStyle(element).getPropertyValue(name).trim();

  /* Whole numbers after M, m, h, v and l: all that the pictures are made of. */
  const pointsOf = (path) => {
    const points = [];
    let [x, y] = [0, 0];
    for (const [, step, rest] of path.getAttribute("d").matchAll(/([Mmhvl])([^Mmhvlz]*)/g)) {
      const [a, b] = rest.match(/-?\d+/g).map(Number);
      if (step === "M") [x, y] = [a, b];
      else if (step === "h") x += a;
      else if (step === "v") y += a;
      else [x, y] = [x + a, y + b];
      points.push([x, y]);
    }
    return points;
  };

  const valueAt = ([, low, high, from, to, isLog], place) => {
    const value = low + (place - from) / (to - from) * (high - low);
    return isLog ? 10 ** value : value;
  };

  /* Series of one plot: those of one name and colour are one, with a gap in between. */
  const seriesOf = (svg, plot) => {
    const found = new Map();
    plot.s.forEach(([name, type], i) => {
      const paths = svg.querySelectorAll(`path[data-s="${plot.first + i}"]`);
      for (const path of paths) {
        const isDots = path.classList.contains("dots");
        const points = pointsOf(path).filter((_, k) => !isDots || k % 2 === 0);
        if (!points.length) continue;
        const key = `${type} ${name}`;
        if (!found.has(key)) found.set(key, { name, type, color: style(path, "stroke"), line: [], dots: [] });
        const series = found.get(key);
        const values = points.map(([x, y]) => [valueAt(plot.x, x), valueAt(plot.y, y)]);
        if (isDots) series.dots.push(...values);
        else series.line.push(...(series.line.length ? [[values[0][0], null]] : []), ...values);
      }
    });
    return [...found.values()];
  };

  /* One column for x, one for each series; each point has a row of its own. */
  const tableOf = (all) => {
    const rows = all.flatMap((series, k) =>
      (series.line.length ? series.line : series.dots).map(([x, y]) => [x, k, y]));
    rows.sort((a, b) => a[0] - b[0]);
    const columns = all.map(() => new Array(rows.length));
    rows.forEach(([, k, y], i) => { columns[k][i] = y; });
    return [rows.map((row) => row[0]), ...columns];
  };

  /* The row of a series that is nearest to the pointer; of dots that of the nearest dot. */
  const nearest = (isDots) => (u, k, row) => {
    if (k === 0) return row;
    const column = u.data[k];
    if (isDots(k)) {
      let [best, least] = [null, 40 * 40];
      const [first, last] = [u.posToIdx(u.cursor.left - 40), u.posToIdx(u.cursor.left + 40)];
      for (let i = first; i <= last; i++) {
        if (column[i] == null) continue;
        const across = u.valToPos(u.data[0][i], "x") - u.cursor.left;
        const down = u.valToPos(column[i], "y") - u.cursor.top;
        if (across * across + down * down < least) [best, least] = [i, across * across + down * down];
      }
      return best;
    }
    /* Of corners above each other, the one on the pointer's side. */
    const xs = u.data[0];
    const at = u.posToVal(u.cursor.left, "x");
    let edge = row;
    while (edge + 1 < xs.length && xs[edge + 1] <= at) edge += 1;
    while (edge >= 0 && xs[edge] > at) edge -= 1;
    let [left, right] = [edge, edge + 1];
    while (left >= 0 && column[left] == null) left -= 1;
    while (right < xs.length && column[right] == null) right += 1;
    if (left < 0 || right >= xs.length) return left < 0 ? (right < xs.length ? right : null) : left;
    return at - xs[left] <= xs[right] - at ? left : right;
  };

  /* Shades and bands lie behind the lines, marks before them. */
  const polygons = (svg, plot, selector) => [...svg.querySelectorAll(selector)].map((path) => ({
    color: selector === ".band.fill" ? style(path, "color") : style(path, "fill"),
    alpha: selector === ".band.fill" ? 0.16 : 1,
    points: pointsOf(path).map(([x, y]) => [valueAt(plot.x, x), valueAt(plot.y, y)]),
  }));
  const paint = (u, shapes) => {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const { color, alpha, points } of shapes) {
      ctx.beginPath();
      points.forEach(([x, y]) => ctx.lineTo(u.valToPos(x, "x", true), u.valToPos(y, "y", true)));
      ctx.fillStyle = color;
      ctx.globalAlpha = alpha;
      ctx.fill();
    }
    ctx.restore();
  };
  const marksOf = (svg, plot) => [...svg.querySelectorAll("path.mark.line:not([data-s])")].map((path) => {
    const [[at]] = pointsOf(path);
    const label = [...svg.querySelectorAll("text.mark")].find((text) => Number(text.getAttribute("x")) === at + 16);
    return { x: valueAt(plot.x, at), label: label ? label.textContent : "", color: style(path, "stroke") };
  });
  const paintMarks = (u, marks, withLabels) => {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.setLineDash([4, 4]);
    for (const { x, label, color } of marks) {
      const at = u.valToPos(x, "x", true);
      if (at < bbox.left || at > bbox.left + bbox.width) continue;
      ctx.strokeStyle = ctx.fillStyle = color;
      ctx.beginPath();
      ctx.moveTo(at, bbox.top);
      ctx.lineTo(at, bbox.top + bbox.height);
      ctx.stroke();
      ctx.font = `${12 * devicePixelRatio}px sans-serif`;
      ctx.textAlign = "left";
      if (withLabels) ctx.fillText(label, at + 4 * devicePixelRatio, bbox.top + 12 * devicePixelRatio);
    }
    ctx.restore();
  };

  const optionsOf = (svg, plot, all, { width, height, key, isFirst, follow }) => {
    const scale = (axis, values) => {
      const whole = [valueAt(axis, axis[3]), valueAt(axis, axis[4])];
      const finite = values.filter((value) => value != null);
      const [low, high] = [finite.reduce((a, b) => Math.min(a, b)), finite.reduce((a, b) => Math.max(a, b))];
      const range = (_, a, b) => a === b || (a <= low && b >= high) ? whole : [a, b];
      return { time: false, distr: axis[5] ? 3 : 1, range };
    };
    const points = all.flatMap((series) => series.line.concat(series.dots));
    const [text, grid] = [style(document.body, "--muted"), style(document.body, "--grid")];
    const font = "12px sans-serif";
    const axis = { stroke: text, font, labelFont: font, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
    const isDots = (k) => !all[k - 1].line.length;
    const series = all.map((of) => ({
      label: of.name,
      stroke: of.color,
      width: LINE,
      dash: of.type === "reference" ? [4, 4] : undefined,
      points: { show: of.dots.length > 0, size: 5, fill: of.color, width: 0 },
      paths: of.line.length ? undefined : () => null,
      value: (_, value) => shown(value),
    }));
    const behind = [...polygons(svg, plot, ".shade.fill"), ...polygons(svg, plot, ".band.fill")];
    const marks = marksOf(svg, plot);
    return {
      width, height,
      title: plot.y[0],
      scales: { x: scale(plot.x, points.map((p) => p[0])), y: scale(plot.y, points.map((p) => p[1])) },
      axes: [{ ...axis, label: plot.x[0], labelSize: 18, size: 34 }, { ...axis, size: 62 }],
      series: [{ label: plot.x[0], value: (u, value) => shown(value == null ? null : u.posToVal(u.cursor.left, "x")) }, ...series],
      cursor: {
        dataIdx: nearest(isDots),
        drag: { x: true, y: !key, uni: 30 },
        ...(key ? { sync: { key, scales: ["x", null] } } : {}),
      },
      hooks: {
        drawClear: [(u) => paint(u, behind)],
        draw: [(u) => paintMarks(u, marks, isFirst)],
        setScale: [(u, name) => { if (name === "x") follow(u); }],
      },
    };
  };

  let opened = 0;
  const open = (figure, svg, place) => {
    const plots = JSON.parse(svg.dataset.plot);
    const key = plots.length > 1 ? `zoom-${opened += 1}` : null;
    const charts = [];
    let isFollowing = false;
    const follow = (leader) => {
      if (isFollowing || charts.length !== plots.length) return;
      isFollowing = true;
      const { min, max } = leader.scales.x;
      for (const chart of charts) if (chart !== leader) chart.setScale("x", { min, max });
      isFollowing = false;
    };
    const width = Math.max(260, svg.getBoundingClientRect().width || figure.clientWidth);
    plots.forEach((plot, i) => {
      const all = seriesOf(svg, plot);
      if (!all.length) return;
      const isFirst = i === 0;
      const height = key ? (isFirst ? 240 : 180) : Math.round(width * 0.56);
      const options = optionsOf(svg, plot, all, { width, height, key, isFirst, follow });
      charts.push(new uPlot(options, tableOf(all), place));
    });
    const sized = new ResizeObserver(() => {
      const now = place.clientWidth;
      if (now) for (const chart of charts) chart.setSize({ width: now, height: chart.height });
    });
    sized.observe(place);
    return () => { sized.disconnect(); charts.forEach((chart) => chart.destroy()); };
  };

  for (const svg of document.querySelectorAll("svg[data-plot]")) {
    const figure = svg.closest("figure");
    const caption = figure && figure.querySelector("figcaption");
    if (!caption) continue;
    const place = document.createElement("div");
    place.className = "zoom-plot";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "zoom";
    let close = null;
    const label = () => {
      button.textContent = close ? "Picture" : "Zoom";
      button.title = close ? "back to the picture" : "values under the pointer; drag to zoom, double-click to see all";
      button.setAttribute("aria-pressed", close ? "true" : "false");
    };
    button.addEventListener("click", () => {
      if (close) {
        close();
        close = null;
        place.remove();
      } else {
        figure.append(place);
        close = open(figure, svg, place);
      }
      figure.classList.toggle("zoomed", close !== null);
      label();
    });
    label();
    caption.prepend(button);
  }
}
