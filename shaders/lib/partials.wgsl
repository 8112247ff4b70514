// What one lane of a single workgroup adds to the sum of all partials. Joined with lib/tree.

// Every WORKGROUP_SIZE-th partial, in blocks of 64: rounding grows with the number of blocks, not of partials.
fn sum_partials(lane: u32) -> f32 {
  let count = arrayLength(&workspace.partials);
  var sum = 0.0;
  for (var first = lane; first < count; first += 64u * WORKGROUP_SIZE) {
    var chunk = 0.0;
    for (var i = 0u; i < 64u; i++) {
      let at = first + i * WORKGROUP_SIZE;
      if at < count {
        chunk += workspace.partials[at];
      }
    }
    sum += chunk;
  }
  return sum;
}
