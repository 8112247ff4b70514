// Sums of fixed shape, so the same numbers give the same bits on every run.

var<workgroup> tree: array<f32, WORKGROUP_SIZE>;

// Over a workgroup. Every thread calls this once; lane 0 gets the sum.
fn tree_sum(lane: u32, mine: f32) -> f32 {
  tree[lane] = mine;
  workgroupBarrier();
  for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
    if lane < half {
      tree[lane] += tree[lane + half];
    }
    workgroupBarrier();
  }
  return tree[lane];
}
