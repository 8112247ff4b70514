// Sweep: some classes of every pixel, where more than these cannot be bound. What they come to is carried from one sweep to
// the next, and to the kernels between: `loss` has no logits, but what all sweeps over them carried.
// A workgroup takes a block, as in loss. Joined with the `sweep` of a kernel, which takes LANES pixels.

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
  enter_block(span.first);
  for (var i = 0u; i < GROUPS_PER_THREAD; i++) {
    let pixel = span.first + (i * WORKGROUP_SIZE + lane) * LANES;
    if pixel < span.end {
      sweep(pixel);
    }
  }
}
