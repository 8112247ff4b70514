// One partial per thread, for adapters where a barrier costs more than it saves.

fn add_partial(workgroup: u32, lane: u32, sum: f32) {
  let at = workgroup * WORKGROUP_SIZE + lane;
  if at < arrayLength(&workspace.partials) {
    workspace.partials[at] = sum;
  }
}
