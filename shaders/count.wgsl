// Count: the targets, before the loss needs its divisor. Counts are integers, so exact and in any order; weights are
// left as partial sums. A workgroup takes a block; a thread of it every WORKGROUP_SIZE-th group of
// TOGETHER positions. Joined with lib/blocks and lib/counts_of_1 or lib/counts_of_4.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3u,
  @builtin(num_workgroups) num_workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_index(workgroup_id, num_workgroups);
  if index >= problem.blocks {
    return;
  }
  let span = block_at(index);
  var valid = 0u;
  var invalid = 0u;
  var weights = 0.0;
  var chunk = 0.0;
  for (var i = 0u; i < POSITIONS_PER_THREAD / TOGETHER; i++) {
    let position = span.first + (i * WORKGROUP_SIZE + lane) * TOGETHER;
    if position < span.end {
      let counts = counts_at(position);
      valid += counts.x;
      invalid += counts.y;
      if SUM_WEIGHTS {
        chunk += weight_at(position);
      }
    }
    // Sums of 16, then of those: rounding grows with the longer of the two.
    if SUM_WEIGHTS && i % 16u == 15u {
      weights += chunk;
      chunk = 0.0;
    }
  }
  if valid > 0u {
    atomicAdd(&workspace.valid, valid);
  }
  if invalid > 0u {
    atomicAdd(&workspace.invalid, invalid);
  }
  if SUM_WEIGHTS {
    add_partial(span.partial, lane, weights + chunk);
  }
}

// A bad pixel weight adds nothing; the loss kernel counts it.
fn weight_at(position: u32) -> f32 {
  let kind = kind_at(position);
  let weight = pixel_weight_at(position);
  if kind < 0 || is_bad_weight(weight) {
    return 0.0;
  }
  return weight * class_weight_at(position, kind);
}
