"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byNumber = new Map(data.lesions.map((one) => [String(one.number), one]));
  let viewer = null;
  const choose = lesionTable((number) => viewer && viewer.seek(byNumber.get(number).mm));

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
    nv.opts.multiplanarShowRender = 0; // never: a projection that turns stands beside it
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

    const projection =
      uptake < 0 ? null : turning(nv.volumes[uptake], nv.volumes[index((l) => l.name === "lesion")]);
    document.getElementById("turning").hidden = !projection;

    const blend = document.getElementById("blend");
    document.getElementById("blend-label").hidden = !withCt;
    const mix = () => withCt && nv.setOpacity(uptake, blend.value / 100);
    blend.addEventListener("input", mix);

    const boxes = document.getElementById("classes");
    const shown = new Map();
    const withLesions = index((l) => l.name === "lesion") >= 0;
    layers.forEach((layer, k) => {
      if (layer.kind !== "membership") return;
      const label = document.createElement("label");
      const box = document.createElement("input");
      box.type = "checkbox";
      box.checked = layer.name === "lesion" || !withLesions; // of a CT alone there is only bone
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
    slider.closest("label").hidden = data.curve.length === 0;
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
      projection?.draw(from);
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

  // The maximum along lines of sight, from any side; where a lesion is on one, it is red.
  function turning(uptake, lesion) {
    const [nx, ny, nz] = uptake.dimsRAS.slice(1, 4);
    const [dx, dy, dz] = uptake.pixDimsRAS.slice(1, 4);
    const image = uptake.img2RAS();
    const member = lesion?.img2RAS();
    const raw = (volume, value) => (value - volume.hdr.scl_inter) / volume.hdr.scl_slope;
    const [low, high] = [uptake.cal_min, uptake.cal_max].map((value) => raw(uptake, value));
    const canvas = document.getElementById("mip");
    const turn = document.getElementById("turn");
    const width = Math.ceil(Math.hypot(nx * dx, ny * dy) / dx);
    canvas.width = width;
    canvas.height = nz;
    canvas.style.aspectRatio = `${width * dx} / ${nz * dz}`;
    let from = 0.5;
    function draw(threshold = from) {
      from = threshold;
      const angle = (Number(turn.value) * Math.PI) / 180;
      const [c, s] = [Math.cos(angle), Math.sin(angle)];
      const column = new Int32Array(nx * ny);
      for (let y = 0, k = 0; y < ny; y++) {
        for (let x = 0; x < nx; x++, k++) {
          const across = (y - (ny - 1) / 2) * dy * s - (x - (nx - 1) / 2) * dx * c;
          column[k] = Math.min(width - 1, Math.max(0, Math.round(across / dx + (width - 1) / 2)));
        }
      }
      const highest = new Float32Array(width * nz).fill(low);
      const inside = new Uint8Array(width * nz);
      const least = member ? raw(lesion, threshold) - 1e-3 : 0;
      for (let z = 0, k = 0; z < nz; z++) {
        const row = (nz - 1 - z) * width;
        for (let i = 0; i < nx * ny; i++, k++) {
          const at = row + column[i];
          if (image[k] > highest[at]) highest[at] = image[k];
          if (member && member[k] >= least) inside[at] = 1;
        }
      }
      const picture = canvas.getContext("2d").createImageData(width, nz);
      for (let i = 0; i < width * nz; i++) {
        const grey = 255 * (1 - Math.min(1, (highest[i] - low) / (high - low)));
        const red = inside[i] === 1;
        picture.data.set([red ? 196 : grey, red ? grey / 3 : grey, red ? grey / 3 : grey, 255], 4 * i);
      }
      canvas.getContext("2d").putImageData(picture, 0, 0);
      const sides = ["front", "right", "back", "left"];
      document.getElementById("turn-value").textContent =
        `${turn.value}\u00b0, from the ${sides[Math.round(Number(turn.value) / 90) % 4]}`;
    }
    turn.addEventListener("input", () => draw());
    return { draw };
  }
})();
