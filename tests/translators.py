"""A translator of number words that was never trained, for tests."""

import torch

from encoder_decoder import Config, EncoderDecoder
from pairs import number_data
from sequences import PAD


def small_model(seed=0):
    """-> (model, data) of eight tests; every weight is moved, so that no zero hides a mistake."""
    torch.manual_seed(seed)
    data = number_data(tests=8)
    model = EncoderDecoder(Config(len(data.source), len(data.target), 32, 2, 2, 16, 32)).eval()
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.3 * torch.randn(p.shape))
        model.source.weight[PAD] = model.target.weight[PAD] = 0
    return model, data
