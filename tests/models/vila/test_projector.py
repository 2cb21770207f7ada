from __future__ import annotations

from types import SimpleNamespace

import torch

from lmms_eval_ja.models.vila.projector import FoldingProjector, fold


def test_blocks_of_an_even_grid_run_down_the_columns() -> None:
    # Patches of a 4 x 4 grid, numbered in reading order:
    #    0  1 |  2  3
    #    4  5 |  6  7
    #   ------+------
    #    8  9 | 10 11
    #   12 13 | 14 15
    grid = torch.arange(16.0).reshape(1, 16, 1)
    assert fold(grid)[0].tolist() == [[0, 1, 4, 5], [8, 9, 12, 13], [2, 3, 6, 7], [10, 11, 14, 15]]


def test_an_odd_grid_gets_zeros_below_and_at_the_right() -> None:
    #   1 2 | 3 0
    #   4 5 | 6 0
    #   ----+----
    #   7 8 | 9 0
    #   0 0 | 0 0
    grid = torch.arange(1.0, 10.0).reshape(1, 9, 1)
    assert fold(grid)[0].tolist() == [[1, 2, 4, 5], [7, 8, 0, 0], [3, 0, 6, 0], [9, 0, 0, 0]]


def test_channels_of_a_patch_stay_together() -> None:
    grid = torch.tensor([[[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [4.0, 40.0]]])
    assert fold(grid)[0].tolist() == [[1, 10, 2, 20, 3, 30, 4, 40]]


def test_27_by_27_patches_become_196_tokens_for_each_image() -> None:
    assert fold(torch.zeros(2, 729, 3)).shape == (2, 196, 12)


def test_the_layers_by_hand() -> None:
    sizes = SimpleNamespace(hidden_size=1)
    projector = FoldingProjector(SimpleNamespace(vision_config=sizes, text_config=sizes))
    assert projector.norm.eps == 1e-5
    with torch.no_grad():
        projector.linear_1.weight.copy_(torch.tensor([[1.0, 0.0, 0.0, 1.0]]))
        projector.linear_1.bias.fill_(0.0)
        projector.linear_2.weight.fill_(2.0)
        projector.linear_2.bias.fill_(0.5)
        found = projector(torch.tensor([[[1.0], [3.0], [1.0], [3.0]]]))
        # The block 1 3 1 3 has mean 2 and deviation 1: -1 1 -1 1. First and last: -1 + 1 = 0; GELU(0) = 0; 2 * 0 + 0.5.
        assert found.shape == (1, 1, 1)
        assert abs(found.item() - 0.5) < 1e-5
        projector.linear_1.weight.copy_(torch.tensor([[0.0, 1.0, 0.0, 0.0]]))
        found = projector(torch.tensor([[[1.0], [3.0], [1.0], [3.0]]]))
        # Second: 1; the exact GELU(1) = (1 + erf(1 / sqrt 2)) / 2 = 0.841345 (tanh: 0.841192); 2 * 0.841345 + 0.5.
        assert abs(found.item() - 2.182690) < 5e-5
