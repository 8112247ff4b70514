// One partial per workgroup. Joined with lib/tree.

// Every thread of the workgroup calls this once.
fn add_partial(partial: u32, lane: u32, mine: f32) {
  let sum = tree_sum(lane, mine);
  if lane == 0u {
    workspace.partials[partial] = sum;
  }
}
