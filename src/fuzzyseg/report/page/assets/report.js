"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const table = document.querySelector("table");
  const body = table.tBodies[0];
  const byNumber = new Map(data.lesions.map((one) => [String(one.number), one]));
  let viewer = null;

  // Sorting: numbers by value, unknown ones last.
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = head.querySelector("button");
    if (!button) return;
    button.addEventListener("click", () => {
      const first = column === 0 ? "ascending" : "descending";
      const other = first === "ascending" ? "descending" : "ascending";
      const order = head.getAttribute("aria-sort") === first ? other : first;
      heads.forEach((h) => h.hasAttribute("aria-sort") && h.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", order);
      const key = (row) => {
        const value = row.cells[column].dataset.value;
        return value === "" || value === undefined ? null : Number(value);
      };
      const sign = order === "ascending" ? 1 : -1;
      [...body.rows]
        .sort((a, b) => {
          const [x, y] = [key(a), key(b)];
          if (x === null || y === null) return (x === null) - (y === null);
          return sign * (x - y);
        })
        .forEach((row) => body.append(row));
    });
  });

  // Choosing a lesion: in the table, in the pictures, by keyboard.
  function choose(number) {
    for (const row of body.rows) {
      row.setAttribute("aria-selected", String(row.dataset.lesion === number));
    }
    document.querySelectorAll(".mark").forEach((mark) => {
      mark.classList.toggle("chosen", mark.dataset.lesion === number);
    });
    const row = [...body.rows].find((r) => r.dataset.lesion === number);
    const picture = row && row.querySelector(".seen img");
    const panel = document.getElementById("chosen");
    panel.hidden = !picture;
    if (picture) {
      const large = document.getElementById("chosen-picture");
      large.src = picture.src;
      large.alt = picture.alt;
      document.getElementById("chosen-number").textContent = number;
    }
    if (viewer) viewer.seek(byNumber.get(number).mm);
  }
  body.addEventListener("click", (event) => {
    const row = event.target.closest("tr");
    if (row) choose(row.dataset.lesion);
  });
  body.addEventListener("keydown", (event) => {
    const row = event.target.closest("tr");
    if (!row) return;
    if (event.key === "Enter" || event.key === " ") choose(row.dataset.lesion);
    else if (event.key === "ArrowDown") row.nextElementSibling?.focus();
    else if (event.key === "ArrowUp") row.previousElementSibling?.focus();
    else return;
    event.preventDefault();
  });
  document.querySelectorAll(".mark").forEach((mark) => {
    mark.addEventListener("click", () => choose(mark.dataset.lesion));
  });

  // The viewer.
  const canvas = document.getElementById("canvas");
  const section = document.getElementById("viewer");
  const webgl = document.createElement("canvas").getContext("webgl2");
  if (!data.viewer || !webgl || typeof niivue === "undefined") {
    document.getElementById("no-viewer").hidden = false;
    return;
  }
  section.hidden = false;
  start().catch((error) => {
    section.hidden = true;
    document.getElementById("no-viewer").hidden = false;
    console.warn(String(error));
  });

  async function start() {
    const { Niivue, NVImage } = niivue;
    const nv = new Niivue({
      show3Dcrosshair: true,
      isRadiologicalConvention: true,
      backColor: [0, 0, 0, 1],
      crosshairColor: [0.2, 0.6, 1, 1],
      dragAndDropEnabled: false,
      loadingText: "",
      logLevel: "error",
    });
    await nv.attachToCanvas(canvas);
    nv.opts.multiplanarShowRender = 1;
    const layers = data.viewer.layers;
    const colours = { bone: "blue", lesion: "red" };
    const withCt = layers.some((l) => l.kind === "ct") && layers.some((l) => l.kind === "uptake");
    for (const layer of layers) {
      const colormap =
        layer.kind === "membership"
          ? colours[layer.name] || "green"
          : layer.kind === "uptake" && withCt ? "hot" : layer.kind === "ct" ? "gray" : "gray";
      const image = await NVImage.loadFromBase64({
        base64: layer.data,
        name: layer.name + ".nii.gz",
        colormap,
        opacity: 1,
        cal_min: layer.low,
        cal_max: layer.high,
      });
      nv.addVolume(image);
    }
    const index = (test) => layers.findIndex(test);
    const uptake = index((l) => l.kind === "uptake");

    const blend = document.getElementById("blend");
    document.getElementById("blend-label").hidden = !withCt;
    const mix = () => withCt && nv.setOpacity(uptake, blend.value / 100);
    blend.addEventListener("input", mix);

    const boxes = document.getElementById("classes");
    const shown = new Map();
    layers.forEach((layer, k) => {
      if (layer.kind !== "membership") return;
      const label = document.createElement("label");
      const box = document.createElement("input");
      box.type = "checkbox";
      box.checked = layer.name === "lesion";
      shown.set(k, box);
      box.addEventListener("change", redraw);
      label.append(box, layer.name);
      boxes.append(label);
    });

    const slider = document.getElementById("threshold");
    const told = document.getElementById("threshold-told");
    slider.max = String(Math.max(data.curve.length - 1, 0));
    const half = data.curve.findIndex((c) => Math.abs(c.threshold - 0.5) < 1e-6);
    if (half >= 0) slider.value = String(half);
    slider.disabled = data.curve.length === 0;
    function threshold() {
      const at = data.curve[Number(slider.value)];
      if (!at) return 0.5;
      document.getElementById("threshold-value").textContent = at.threshold.toFixed(2);
      told.dataset.volumeMl = String(at.volume_ml);
      told.textContent =
        `Lesions where membership is at least ${at.threshold.toFixed(2)}: ` +
        `${at.volume_ml.toFixed(1)} mL` +
        (at.total_suv_ml === null ? "" : `, uptake ${at.total_suv_ml.toFixed(1)} SUV mL`);
      return at.threshold;
    }
    function redraw() {
      const from = threshold();
      layers.forEach((layer, k) => {
        if (layer.kind !== "membership") return;
        const volume = nv.volumes[k];
        volume.cal_min = layer.name === "lesion" ? from : 0.5;
        volume.cal_max = volume.cal_min + 0.001;
        volume.opacity = shown.get(k).checked ? 0.6 : 0;
      });
      nv.updateGLVolume();
    }
    slider.addEventListener("input", redraw);
    document.getElementById("view").addEventListener("change", (event) => {
      nv.setSliceType(Number(event.target.value));
    });
    viewer = {
      nv,
      seek(mm) {
        nv.scene.crosshairPos = nv.mm2frac(mm);
        nv.createOnLocationChange?.();
        nv.drawScene();
      },
      where: () => Array.from(nv.frac2mm(nv.scene.crosshairPos)).slice(0, 3),
    };
    window.fuzzysegViewer = viewer;
    nv.setSliceType(3);
    mix();
    redraw();
    if (data.lesions.length) choose(String(data.lesions[0].number));
    document.documentElement.dataset.ready = "true";
  }
})();
