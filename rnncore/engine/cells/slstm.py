"""The sLSTM: an LSTM whose input and forget gates are exponentials, kept finite by a normaliser and a stabiliser."""

from torch import Tensor
from torch.nn import functional as F

from rnncore.engine.cells.definition import Step, Weights
from rnncore.engine.cells.gated import Gated
from rnncore.engine.cells.generic import State


class Slstm(Gated):
    """The sLSTM with one head (Beck et al. 2024, "xLSTM: Extended long short-term memory", eqs. 8 to 17, f = exp).

    c_t = f c_{t-1} + i z, n_t = f n_{t-1} + i, h_t = o c_t / n_t. The paper divides c_t and n_t by exp(m_t), which
    leaves h_t as it is whatever the stabiliser m_t. Here m_t = ln n_t: what is left of n_t is 1, what is left of c_t
    is c_t / n_t, and the state is h_t, c_t / n_t and m_t, (B, H) each. None of it can overflow. The shares of the old
    and the new, f n_{t-1} / n_t and i / n_t, add up to 1.
    """

    def fire(self, gates: Tensor, state: State, weights: Weights) -> Step:
        """m_t = ln(f exp(m_{t-1}) + i), c_t/n_t = kept c_{t-1}/n_{t-1} + (1 - kept) z, h_t = o c_t/n_t."""
        _, c, m = state
        log_i, log_f, z, o = gates.chunk(4, -1)
        older = log_f + m - log_i  # ln(f n_{t-1} / i)
        kept, new = older.sigmoid(), (-older).sigmoid()  # f n_{t-1} / n_t, i / n_t
        c = kept * c + new * z.tanh()
        o = o.sigmoid()
        return Step((o * c, c, log_i + F.softplus(older, threshold=40)), (kept, o))
