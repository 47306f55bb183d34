"""Parts of a script that train: loss, clipping, learning rate, optimiser, the loop."""

# loss -> its name in torch.nn.functional
LOSSES = {
    "mse": "mse_loss",
    "mae": "l1_loss",
    "huber": "huber_loss",
    "bce": "binary_cross_entropy_with_logits",
    "cross_entropy": "cross_entropy",
}
LOSS = '''
def loss_of(outputs, targets):
    """LOSS_WORDS."""
    return F.LOSS(outputs, targets)  #@ no stepwise_classes
    return F.LOSS(outputs.flatten(0, 1), targets.flatten())  #@ stepwise_classes
'''
MASKED_LOSS = '''
def loss_of(outputs, targets, lengths):
    """LOSS_WORDS: the mean over each sequence's own steps, then over the sequences."""
    losses = F.LOSS(outputs.transpose(1, 2), targets, reduction="none")  # (B, T)  #@ stepwise_classes
    losses = F.LOSS(outputs, targets, reduction="none").mean(2)  # (B, T)  #@ no stepwise_classes
    valid = torch.arange(losses.shape[1]) < lengths[:, None]
    return (losses.masked_fill(~valid, 0.0).sum(1) / lengths).mean()
'''

# clipping -> what is done to the gradients between backward() and the optimiser's step
CLIPS = {
    "norm": '''
def clip(model, grad_norm):
    """Make all gradients together shorter, in the same direction: what nn.utils.clip_grad_norm_ does."""
    for parameter in model.parameters():
        parameter.grad *= min(1.0, THRESHOLD / (grad_norm + 1e-6))
''',
    "value": '''
def clip(model, grad_norm):
    """Cut every component to [-THRESHOLD, THRESHOLD]: this turns the direction."""
    nn.utils.clip_grad_value_(model.parameters(), THRESHOLD)
''',
    "parameter_norm": '''
def clip(model, grad_norm):
    """Scale the gradient of each parameter tensor by its own norm."""
    for parameter in model.parameters():
        norm = float(parameter.grad.double().norm())
        if norm > THRESHOLD:
            parameter.grad *= THRESHOLD / norm
''',
    "autoclip": '''
norms = []  # of all steps so far


def clip(model, grad_norm):
    """Clip by norm at a percentile of all norms so far (Seetharaman et al. 2020)."""
    norms.append(grad_norm)
    threshold = np.percentile(norms, PERCENTILE)
    if grad_norm > threshold:
        for parameter in model.parameters():
            parameter.grad *= threshold / (grad_norm + 1e-6)
''',
    "agc": '''
@torch.no_grad()
def clip(model, grad_norm):
    """Scale each unit's gradient (a row) to AGC_FACTOR times its weights, save the read-out's (Brock et al. 2021)."""
    for name, parameter in model.named_parameters():
        if not name.startswith("readout."):
            allowed = AGC_FACTOR * parameter.norm(dim=-1, keepdim=True).clamp(min=1e-3)
            parameter.grad *= (allowed / parameter.grad.norm(dim=-1, keepdim=True)).clamp(max=1.0)
''',
    "recursion": '''
def shorten(grad):
    """Scale dL/dh_t (B, H) of each sequence down to THRESHOLD on its way back through time (Graves 2013)."""
    norms = grad.double().norm(dim=1, keepdim=True) * len(grad)  # the rows carry the 1/B of the mean loss
    return grad * (THRESHOLD / norms.clamp(min=THRESHOLD)).to(grad.dtype)
''',
}

# schedule -> factor of the learning rate; `since` and `span` count from the peak after the warm-up
SCHEDULES = {
    "constant": "LEARNING_RATE",
    "exponential": "LEARNING_RATE * DECAY ** (since / DECAY_STEPS)",
    "step": "LEARNING_RATE * DECAY ** (since // DECAY_STEPS)",
    "linear": "LEARNING_RATE * (1 - (1 - FINAL_FRACTION) * since / span)",
    "cosine": "LEARNING_RATE * (FINAL_FRACTION + (1 - FINAL_FRACTION) * (1 + math.cos(math.pi * since / span)) / 2)",
}
SCHEDULE = '''
def learning_rate(step):
    """The learning rate of a step, from 1."""
    if step < WARMUP_STEPS:  #@ warmup
        return LEARNING_RATE * step / WARMUP_STEPS  #@ warmup
    since = step - PEAK  #@ since
    span = max(STEPS - PEAK, 1)  #@ span
    return FACTOR
'''

OMEGA = '''
def add_omega_gradient(model):
    """Add OMEGA times the gradient of Pascanu's regulariser: gradients should keep their length (2013, eq. 9)."""
    for cell, states in zip(model.cells, model.hidden, strict=True):
        later = torch.stack([torch.zeros_like(h) if h.grad is None else h.grad for h in states[1:]]).flatten(0, 1)
        h = torch.stack(states[1:]).detach().flatten(0, 1)  # (N, H), N = (T - 1) B, as `later`
        h, later = h[later.abs().amax(1) > 0], later[later.abs().amax(1) > 0]
        later = later / later.abs().amax(1, keepdim=True)  # only its direction counts
        ratios = ((later * SLOPE) @ cell.weight_hh).norm(dim=1) / later.norm(dim=1)  # per step back in time
        (gradient,) = torch.autograd.grad((ratios - 1).square().sum() / max(len(later), 1), cell.weight_hh)
        cell.weight_hh.grad += OMEGA * gradient
'''
SLOPES = {"tanh": "(1 - h * h)", "relu": "(h > 0)"}

TENSORS = '''
def tensors(batch):
    """Return the arrays of a batch as tensors."""
    inputs, targets<, lengths> = batch
    inputs = torch.tensor(inputs, dtype=torch.DTYPE)
    return inputs, torch.tensor(targets, dtype=torch.TARGET_DTYPE)<, torch.tensor(lengths)>
'''

LOOP = """
torch.manual_seed(SEED)
model = Model()
initialize(model)  #@ initialize
model.double()  #@ double
optimizer = torch.optim.OPTIMIZER
validation = tensors(validation)
history = []  # a dict for each step
best, evaluations_since_best = math.inf, 0  #@ early_stopping

for step in range(1, STEPS + 1):
    LEARNING_RATE = LEARNING_RATES.get(step, LEARNING_RATE)  #@ steered_rate
    THRESHOLD = THRESHOLDS.get(step, THRESHOLD)  #@ steered_threshold
    inputs, targets<, lengths> = tensors(train_batch(step))
    torch.manual_seed(mixed_seed(2, step))  # which units drop out  #@ dropout
    loss = loss_of(model(inputs<, lengths>), targets<, loss_lengths>)
    optimizer.zero_grad()
    loss.backward()
    add_omega_gradient(model)  #@ omega
    grad_norm = float(torch.cat([p.grad.flatten() for p in model.parameters()]).double().norm())
    record = {"step": step, "train_loss": float(loss.detach()), "grad_norm": grad_norm}
    history.append(record)
    if step in (1, STEPS) or step % PROFILE_EVERY == 0:
        record["hidden_grad_norm"] = gradient_norms(model.hidden)
        record["cell_grad_norm"] = gradient_norms(model.cell_states)  #@ lstm
    if not math.isfinite(record["train_loss"]) or not math.isfinite(grad_norm):
        print(f"diverged at step {step}")
        break
    clip(model, grad_norm)  #@ clip
    optimizer.param_groups[0]["lr"] = learning_rate(step)  #@ schedule
    optimizer.step()

    if step in (1, STEPS) or step % EVAL_EVERY == 0:
        model.eval()  #@ dropout
        with torch.no_grad():
            inputs, targets<, lengths> = validation
            record["val_loss"] = float(loss_of(model(inputs<, lengths>), targets<, loss_lengths>))
        model.train()  #@ dropout
        losses = f"loss {record['train_loss']:.5f}, validation {record['val_loss']:.5f}"
        print(f"step {step:6,}: {losses}, gradient norm {grad_norm:.3g}")
        evaluations_since_best = 0 if record["val_loss"] < best else evaluations_since_best + 1  #@ early_stopping
        best = min(best, record["val_loss"])  #@ early_stopping
        if evaluations_since_best >= EARLY_STOPPING:  #@ early_stopping
            break  #@ early_stopping

profile = [record for record in history if "hidden_grad_norm" in record][-1]
print(f"gradient norm by timestep at step {profile['step']} (top layer, first to last):")
print(" ".join(f"{norm:.1e}" for norm in profile["hidden_grad_norm"][-1]))
"""
