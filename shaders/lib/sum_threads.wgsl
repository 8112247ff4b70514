// One partial per thread, for adapters where a barrier costs more than it saves.

fn add_partial(index: u32, lane: u32, mine: f32) {
  let at = index * WORKGROUP_SIZE + lane;
  if at < arrayLength(&workspace.partials) {
    workspace.partials[at] = mine;
  }
}
