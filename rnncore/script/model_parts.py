"""Parts of a script that make its model and initial weights, and measure gradients through time."""

# A line of a part ends with `#@ option` where only some configurations need it; `rnncore.script.assemble` chooses.
MODEL = '''
class Model(nn.Module):
    """Recurrent layers, unrolled by hand so that every state h_t is a tensor of its own, and a linear read-out."""

    def __init__(self):
        super().__init__()
        sizes = [INPUT_SIZE] + [HIDDEN_SIZE] * (NUM_LAYERS - 1)
        self.cells = nn.ModuleList(NEW_CELL for size in sizes)
        self.readout = nn.Linear(HIDDEN_SIZE, OUTPUT_SIZE)
        self.project = nn.Linear(HIDDEN_SIZE, HIDDEN_SIZE)  #@ attention
        self.score = nn.Linear(HIDDEN_SIZE, 1, bias=False)  #@ attention

    def forward(self, inputs<, lengths>):
        """Map inputs (B, T, F) to outputs; keep every state, so that its gradient can be looked at afterwards."""
        self.hidden = []  # of each layer T tensors (B, H)
        self.cell_states = []  #@ lstm
        steps = inputs.unbind(1)  # T tensors (B, F)
        for layer, cell in enumerate(self.cells):  #@ dropout
        for cell in self.cells:  #@ no dropout
            h = inputs.new_zeros(len(inputs), HIDDEN_SIZE)
            c = torch.zeros_like(h)  #@ lstm
            states = []
            cell_states = []  #@ lstm
            for t, x in enumerate(steps):  #@ truncation
            for x in steps:  #@ no truncation
                if (len(steps) - t) % TRUNCATION == 0:  #@ truncation
                    h = h.detach()  # no gradient crosses this border on its way back  #@ truncation no lstm
                    h, c = h.detach(), c.detach()  # no gradient crosses this border on its way back  #@ truncation lstm
                h, c = cell(x, (h, c))  #@ lstm
                h = cell(x, h)  #@ no lstm
                states.append(h)
                cell_states.append(c)  #@ lstm
                if h.requires_grad:
                    h.retain_grad()  # or torch would throw away the gradient of a tensor inside the network
                    c.retain_grad()  #@ lstm
                    h.register_hook(shorten)  # backward() calls it with dL/dh_t  #@ recursion
            self.hidden.append(states)
            self.cell_states.append(cell_states)  #@ lstm
            steps = states
            if layer < NUM_LAYERS - 1:  #@ dropout
                steps = F.dropout(torch.stack(states), DROPOUT, self.training).unbind(0)  #@ dropout
'''

# read-out -> the end of `forward`, first for sequences of one length, then for those of different lengths
READOUTS = {
    "last": (
        """
        return self.readout(states[-1])
""",
        """
        last = torch.stack(states, 1)[torch.arange(len(inputs)), lengths - 1]  # (B, H) at each sequence's own end
        return self.readout(last)
""",
    ),
    "mean": (
        """
        return self.readout(torch.stack(states, 1).mean(1))
""",
        """
        valid = torch.arange(len(states)) < lengths[:, None]  # (B, T)
        mean = (torch.stack(states, 1) * valid[:, :, None]).sum(1) / lengths[:, None]  # (B, H)
        return self.readout(mean)
""",
    ),
    "attention": (
        """
        stacked = torch.stack(states, 1)  # (B, T, H)
        weights = self.score(torch.tanh(self.project(stacked))).squeeze(-1).softmax(1)  # (B, T)
        return self.readout(torch.einsum("bt,bth->bh", weights, stacked))
""",
        """
        stacked = torch.stack(states, 1)  # (B, T, H)
        scores = self.score(torch.tanh(self.project(stacked))).squeeze(-1)  # (B, T)
        scores = scores.masked_fill(torch.arange(len(states)) >= lengths[:, None], float("-inf"))
        return self.readout(torch.einsum("bt,bth->bh", scores.softmax(1), stacked))
""",
    ),
    "every_step": (
        """
        return self.readout(torch.stack(states, 1))  # (B, T, O)
""",
    )
    * 2,
}

CELLS = {
    "rnn": 'nn.RNNCell(size, HIDDEN_SIZE, nonlinearity="NONLINEARITY")',
    "lstm": "nn.LSTMCell(size, HIDDEN_SIZE)",
    "gru": "nn.GRUCell(size, HIDDEN_SIZE)",
}
GATES = {"rnn": 1, "lstm": 4, "gru": 3}

# scheme -> how the block `gate` (H, H) of W_hh is drawn
GATE_INITS = {
    "orthogonal": """
            nn.init.orthogonal_(gate, generator=generator)
""",
    "identity": """
            nn.init.eye_(gate)
""",
    "spectral": """
            gate.normal_(0.0, 1.0, generator=generator)
            gate.mul_(SPECTRAL_RADIUS / float(torch.linalg.eigvals(gate.double()).abs().max()))
""",
    "normal": """
            gate.normal_(0.0, STD, generator=generator)
""",
    "sparse": """
            order = torch.rand(HIDDEN_SIZE, HIDDEN_SIZE, generator=generator).argsort(1)
            gate.normal_(0.0, 1.0, generator=generator).masked_fill_(order >= 15, 0.0)  # 15 inputs per unit
            radius = float(torch.linalg.eigvals(gate.double()).abs().max())
            gate.mul_(SPECTRAL_RADIUS / radius if radius > 0 else 1.0)
""",
}
MIXED_SEED = '''
def mixed_seed(purpose, step=0):
    """One number from the run's seed, a purpose and a step, for a stream of random numbers of its own."""
    return int(np.random.SeedSequence((SEED, purpose, step)).generate_state(1)[0])
'''
INITIALIZE = '''
@torch.no_grad()
def initialize(model):
    """Overwrite initial weights, in float32 and in this order, as the lab does."""
    generator = torch.Generator().manual_seed(mixed_seed(1))  #@ random_init
    for cell in model.cells:
        for gate in cell.weight_hh.chunk(NUM_GATES):  # gate by gate, not as one stack  #@ scheme
GATE_INIT  #@ scheme
        cell.weight_ih.normal_(0.0, STD, generator=generator)  #@ normal_inputs
        cell.bias_ih.zero_()  #@ zero_biases
        cell.bias_hh.zero_()  #@ zero_biases
        cell.bias_ih[HIDDEN_SIZE : 2 * HIDDEN_SIZE] = FORGET_BIAS  # two biases: their sum counts  #@ forget_bias
        cell.bias_hh[HIDDEN_SIZE : 2 * HIDDEN_SIZE] = 0.0  #@ forget_bias
        times = torch.empty(HIDDEN_SIZE).uniform_(1.0, LONGEST_MEMORY, generator=generator)  # to remember  #@ chrono
        cell.bias_ih[HIDDEN_SIZE : 2 * HIDDEN_SIZE] = times.log()  #@ chrono
        cell.bias_hh[HIDDEN_SIZE : 2 * HIDDEN_SIZE] = 0.0  #@ chrono
        cell.bias_ih[:HIDDEN_SIZE] = -times.log()  #@ chrono lstm
        cell.bias_hh[:HIDDEN_SIZE] = 0.0  #@ chrono lstm
    model.readout.weight.normal_(0.0, STD, generator=generator)  #@ normal_inputs
    model.readout.bias.zero_()  #@ zero_biases
'''

GRADIENT_NORMS = '''
def gradient_norms(layers):
    """Return the mean over the batch of ||d l_b / d h_t|| for every layer and timestep, (L, T).

    After backward(), h.grad is the total derivative by h_t: through all later timesteps and the layers above. (With
    nn.RNN or nn.LSTM instead of cells, retain_grad on the output would give only the direct part, 0 before the end.)
    The loss is a mean over B sequences: times B, each row is the gradient of that sequence's own loss l_b.
    """
    return np.array(
        [
            [0.0 if h.grad is None else float((h.grad.double() * len(h)).norm(dim=1).mean()) for h in states]
            for states in layers
        ]
    )
'''
