"""Every choice that makes a model and a training run, with the paper's names and real defaults.

The defaults are the paper's gauss-2 row (Table 3) except where a field says otherwise.
"""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["ModelConfig", "OrientedBy", "TrainConfig"]

OrientedBy = Literal["query", "data"]


class ModelConfig(BaseModel):
    """The network. Letters in brackets are the paper's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: Literal["index", "value"] = "index"
    """"index": one-hot of the value's place among `trained_values`; "value": the value itself."""
    trained_values: tuple[float, ...] = (5.0,)
    """The values in training, in the order of their indices (query "index" only)."""
    min_variables: int = Field(default=2, ge=2)
    max_variables: int = Field(default=2, ge=2)
    standardise: bool = False
    """Columns to zero mean and unit standard deviation on the way in, and back on the way out."""
    see_units: bool = False
    """With `standardise`: the network also sees each column's mean and standard deviation, where
    the units mean something, as equal noise variances do."""
    orient: bool = False
    """Columns are reflected to one orientation on the way in, and back on the way out, as the answer
    to reflected data is the answer reflected; the network learns fewer cases. Each query has its
    own: the value not below the target's mean, no other column falling with the target. With
    `late_query` all share one: no column falls with the direction in which the data spread most."""
    see_reflection: bool = False
    """With `orient` and `see_units`: the network also sees which columns are reflected, where a law
    is not as likely as the law reflected."""
    fix_target: bool = False
    """The target column is a point mass at the value, outside the density that the network learns."""
    hedge_rows: float = Field(default=0.0, ge=0.0)
    """Rows from which on an answer is the network's rather than the hedge's, which knows only lines
    and no arrow, unless the columns look jointly normal (our option; 0 is no hedge). Training, and
    the held-out NLL on its way, look at the network alone."""

    embed_dim: int = Field(default=64, ge=1)
    """Width of the transformer [e]."""
    hidden_dim: int = Field(default=128, ge=1)
    """Width of the feed-forward layers [h]."""
    heads: int = Field(default=2, ge=1)
    embed_blocks: int = Field(default=2, ge=2, multiple_of=2)
    """Blocks of each embedding network, variables and samples in turn [L]."""
    late_query: bool = False
    """The query enters after the mean over the samples instead of with the data, so that all
    queries of a model share the blocks of D (our option)."""
    query_blocks: int = Field(default=0, ge=0)
    """Blocks over the variables that join h(D) and a late query; 0 leaves it to what follows."""
    decoder_blocks: int = Field(default=4, ge=0)
    """Blocks of the decoder [K]."""
    dropout: float = Field(default=0.1, ge=0.0, lt=1.0)

    latent: bool = True
    """False is the ablation: the decoder reads h(D, I) itself, and likelihood alone trains it."""
    latent_dim: int = Field(default=16, ge=1)
    """Latent numbers a variable [l]; the paper does not say how many."""
    latent_variance: float = Field(default=0.1, gt=0.0)
    """Variance of the encoder and of each prior component [s^2]."""
    prior_components: int = Field(default=2, ge=1)
    """Components of the prior over the latent [k]."""
    decoder_components: int = Field(default=1, ge=1)
    """Components of the decoded mixture [c]."""
    covariance_rank: int | None = Field(default=None, ge=1)
    """Columns of u in Sigma = u u^T + eps I [r]; None is the paper's r = e."""
    eps: float = Field(default=1e-3, gt=0.0)
    """Added to the diagonal of every covariance, in squared model units."""
    learned_diagonal: bool = False
    """Add a learned positive diagonal to eps (our option; the paper has none)."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.embed_dim % self.heads:
            raise ValueError(f"embed_dim {self.embed_dim} is not a multiple of heads {self.heads}")
        if self.max_variables < self.min_variables:
            raise ValueError("max_variables is smaller than min_variables")
        if self.query == "index" and not self.trained_values:
            raise ValueError("an index query needs at least one trained value")
        if self.see_units and not self.standardise:
            raise ValueError("see_units tells what standardise takes away; set both")
        if self.orient and not self.standardise:
            raise ValueError("orient reflects columns of mean zero; set standardise too")
        if self.see_reflection and not (self.orient and self.see_units):
            raise ValueError(
                "see_reflection tells what orient takes away; set orient and see_units"
            )
        if self.hedge_rows and self.needs_units:
            raise ValueError(
                "the hedge knows nothing of units; with hedge_rows set standardise, and no see_units"
            )
        if self.query_blocks and not self.late_query:
            raise ValueError("query_blocks join a late query to the data; set late_query")
        return self

    @property
    def needs_units(self) -> bool:
        """Whether an answer depends on the units of the columns."""
        return self.see_units or not self.standardise

    @property
    def oriented_by(self) -> OrientedBy | None:
        """What decides which columns are reflected."""
        if not self.orient:
            return None
        return "data" if self.late_query else "query"

    @property
    def rank(self) -> int:
        """Columns of the covariance factor u."""
        return self.embed_dim if self.covariance_rank is None else self.covariance_rank

    @property
    def unit_channels(self) -> int:
        """Channels of a column's encoded units."""
        return 2 * self.see_units + self.see_reflection

    @property
    def query_channels(self) -> int:
        """Channels of an encoded query."""
        return len(self.trained_values) if self.query == "index" else 2


class TrainConfig(BaseModel):
    """One training run. A step asks the source for one batch of models with all their queries."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(default=10_000, ge=1)
    batch_size: int = Field(default=128, ge=1)
    """Models a step; each brings all its queries."""
    micro_batch: int | None = Field(default=None, ge=1)
    """Pairs that go through the network at once; None is all. The gradient is the same, a step
    takes less memory and no less time."""
    learning_rate: float = Field(default=1e-3, gt=0.0)
    """The peak; NAdam, as in the paper."""
    matrix_learning_rate: float | None = Field(default=None, gt=0.0)
    """The peak for the matrices of the transformer blocks, which Muon (Jordan et al., 2024) then
    moves: length of a step as a spectral norm. None leaves them to NAdam, as in the paper."""
    warmup_steps: int = Field(default=500, ge=0)
    """Steps of linear warm-up before a cosine decay to zero."""
    clip_norm: float = Field(default=1.0, gt=0.0)
    """Largest norm of the whole gradient."""
    beta: float = Field(default=0.1, ge=0.0)
    """Weight of the KL term [beta]."""
    predictive_weight: float = Field(default=0.0, ge=0.0)
    """Weight of log p(X | D, do) itself, with latents from the prior instead of the encoder: the
    hybrid objective of Sohn et al. (2015). The paper has none."""
    predictive_draws: int = Field(default=1, ge=1)
    """Latents from each component of the prior whose laws that term averages. Predictions average
    many; with one alone the term asks every latent of a component to explain all rows."""
    kl: Literal["bound", "monte_carlo"] = "bound"
    """How KL(q || prior) is computed: the variational bound, or Monte Carlo with the same z."""
    rows: Literal["mean", "sum"] = "mean"
    """Whether log p(X | z) is the mean or the sum over the rows; "sum" divides the effective
    beta by N (the loss is always shown per row)."""
    interv_rows: int | None = Field(default=None, ge=1)
    """Rows of X that a step looks at; None is all. Fewer make a step cheaper where N is large."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the embedding networks' matrix products; weights, prior, decoder and loss stay float32."""
    max_non_finite: int = Field(default=20, ge=1)
    """Steps in a row with a non-finite gradient after which the run stops with an error; it is
    looked at once in as many steps."""
    validation_draws: int = Field(default=50, ge=1)
    log_every: int = Field(default=100, ge=1)
    validate_every: int = Field(default=1_000, ge=1)
    checkpoint_every: int = Field(default=500, ge=1)
    seed: int = Field(default=42, ge=0)
