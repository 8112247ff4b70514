// Divide: the partial sums of weights to the divisor of "weighted-mean". Dispatched as a single workgroup.
// Joined with lib/tree and lib/partials.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) lane: u32) {
  let weight_sum = tree_sum(lane, sum_partials(lane));
  if lane == 0u {
    workspace.weight_sum = weight_sum;
  }
}
