// One partial per workgroup: a tree of fixed shape, so the same input gives the same bits on every run.

var<workgroup> tree: array<f32, WORKGROUP_SIZE>;

// Every thread of the workgroup calls this once.
fn add_partial(workgroup: u32, lane: u32, sum: f32) {
  tree[lane] = sum;
  for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if lane < half {
      tree[lane] += tree[lane + half];
    }
  }
  if lane == 0u && workgroup < arrayLength(&workspace.partials) {
    workspace.partials[workgroup] = tree[0];
  }
}
