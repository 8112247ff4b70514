// One partial per thread, for adapters where a barrier costs more than it saves.

fn add_partial(partial: u32, lane: u32, mine: f32) {
  workspace.partials[partial * WORKGROUP_SIZE + lane] = mine;
}
