// Softmax in one read before the gradient's, for exponentials that need no maximum before them. Joined with softmax_again
// and lib/near.

fn read_logits(position: ptr<function, Position>) -> Curve {
  var look = no_look();
  read_label(position);
  add_masses(position, &look);
  (*position).argmax = look.argmax;
  (*position).is_put_off = is_not_taken(position, look);
  return curve_of(position);
}
