{
  const choose = lesionTable(() => {});
  const first = document.querySelector("tbody tr");
  if (first) choose(first.dataset.lesion);
}
