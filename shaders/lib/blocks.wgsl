// Blocks: the positions that one workgroup adds up. They divide rows, which are parts of the whole map, so that a sum is the
// same whatever tile its block is in. Planned by src/webgpu/tiles.ts.

struct Block {
  first: u32,    // position
  end: u32,      // of its row
  partial: u32,  // where its sum goes
}

fn block_at(index: u32) -> Block {
  let row = index / problem.blocks_per_row;
  let of_row = index % problem.blocks_per_row;
  let row_first = row * problem.row_positions;
  return Block(
    row_first + of_row * POSITIONS_PER_BLOCK,
    min(row_first + problem.row_positions, problem.positions),
    problem.first_partial + row * problem.partial_pitch + of_row,
  );
}
