"""The names of torch, scikit-learn and scipy that may stand in a file judged `objects`: modules with their names.

Written by tools/list_object_names.py, which says how a class gets in; object_names.py makes the lists of it.
"""

from __future__ import annotations

__all__ = ["CLASSES", "EARLIER_CLASSES", "EARLIER_VALUES", "VALUES"]

# Classes whose instances are only made and filled.
CLASSES: dict[str, str] = {
    "scipy.interpolate._bsplines": "BSpline",
    "scipy.interpolate._interpolate": "BPoly NdPPoly PPoly interp1d",
    "scipy.sparse._bsr": "bsr_array bsr_matrix",
    "scipy.sparse._coo": "coo_array coo_matrix",
    "scipy.sparse._csc": "csc_array csc_matrix",
    "scipy.sparse._csr": "csr_array csr_matrix",
    "scipy.sparse._dia": "dia_array dia_matrix",
    "scipy.sparse._lil": "lil_array lil_matrix",
    "sklearn._loss.link": "BaseLink HalfLogitLink IdentityLink Interval LogLink LogitLink MultinomialLogit",
    "sklearn._loss.loss": (
        "AbsoluteError BaseLoss ExponentialLoss HalfBinomialLoss HalfBinomialLossArrayAPI HalfGammaLoss "
        "HalfMultinomialLoss HalfMultinomialLossArrayAPI HalfPoissonLoss HalfPoissonLossArrayAPI HalfSquaredError "
        "HalfTweedieLoss HalfTweedieLossIdentity HuberLoss PinballLoss"
    ),
    "sklearn.base": "BaseEstimator",
    "sklearn.calibration": "CalibratedClassifierCV _CalibratedClassifier _SigmoidCalibration _TemperatureScaling",
    "sklearn.cluster._affinity_propagation": "AffinityPropagation",
    "sklearn.cluster._agglomerative": "AgglomerativeClustering FeatureAgglomeration",
    "sklearn.cluster._bicluster": "BaseSpectral SpectralBiclustering SpectralCoclustering",
    "sklearn.cluster._birch": "Birch _CFNode _CFSubcluster",
    "sklearn.cluster._bisect_k_means": "BisectingKMeans _BisectingTree",
    "sklearn.cluster._dbscan": "DBSCAN",
    "sklearn.cluster._feature_agglomeration": "AgglomerationTransform",
    "sklearn.cluster._hdbscan.hdbscan": "HDBSCAN",
    "sklearn.cluster._kmeans": "KMeans MiniBatchKMeans _BaseKMeans",
    "sklearn.cluster._mean_shift": "MeanShift",
    "sklearn.cluster._optics": "OPTICS",
    "sklearn.cluster._spectral": "SpectralClustering",
    "sklearn.compose._column_transformer": "ColumnTransformer make_column_selector",
    "sklearn.compose._target": "TransformedTargetRegressor",
    "sklearn.covariance._elliptic_envelope": "EllipticEnvelope",
    "sklearn.covariance._empirical_covariance": "EmpiricalCovariance",
    "sklearn.covariance._graph_lasso": "BaseGraphicalLasso GraphicalLasso GraphicalLassoCV",
    "sklearn.covariance._robust_covariance": "MinCovDet",
    "sklearn.covariance._shrunk_covariance": "LedoitWolf OAS ShrunkCovariance",
    "sklearn.cross_decomposition._pls": "CCA PLSCanonical PLSRegression PLSSVD _PLS",
    "sklearn.decomposition._base": "_BasePCA",
    "sklearn.decomposition._dict_learning": (
        "DictionaryLearning MiniBatchDictionaryLearning SparseCoder _BaseSparseCoding"
    ),
    "sklearn.decomposition._factor_analysis": "FactorAnalysis",
    "sklearn.decomposition._fastica": "FastICA",
    "sklearn.decomposition._incremental_pca": "IncrementalPCA",
    "sklearn.decomposition._kernel_pca": "KernelPCA",
    "sklearn.decomposition._lda": "LatentDirichletAllocation",
    "sklearn.decomposition._nmf": "MiniBatchNMF NMF _BaseNMF",
    "sklearn.decomposition._pca": "PCA",
    "sklearn.decomposition._sparse_pca": "MiniBatchSparsePCA SparsePCA _BaseSparsePCA",
    "sklearn.decomposition._truncated_svd": "TruncatedSVD",
    "sklearn.discriminant_analysis": "LinearDiscriminantAnalysis QuadraticDiscriminantAnalysis",
    "sklearn.dummy": "DummyClassifier DummyRegressor",
    "sklearn.ensemble._bagging": "BaggingClassifier BaggingRegressor BaseBagging",
    "sklearn.ensemble._base": "BaseEnsemble _BaseHeterogeneousEnsemble",
    "sklearn.ensemble._forest": (
        "BaseForest ExtraTreesClassifier ExtraTreesRegressor ForestClassifier ForestRegressor RandomForestClassifier "
        "RandomForestRegressor RandomTreesEmbedding"
    ),
    "sklearn.ensemble._gb": "BaseGradientBoosting GradientBoostingClassifier GradientBoostingRegressor VerboseReporter",
    "sklearn.ensemble._hist_gradient_boosting.binning": "_BinMapper",
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting": (
        "BaseHistGradientBoosting HistGradientBoostingClassifier HistGradientBoostingRegressor"
    ),
    "sklearn.ensemble._hist_gradient_boosting.grower": "TreeGrower TreeNode",
    "sklearn.ensemble._hist_gradient_boosting.splitting": "SplitInfo",
    "sklearn.ensemble._iforest": "IsolationForest",
    "sklearn.ensemble._stacking": "StackingClassifier StackingRegressor _BaseStacking",
    "sklearn.ensemble._voting": "VotingClassifier VotingRegressor _BaseVoting",
    "sklearn.ensemble._weight_boosting": "AdaBoostClassifier AdaBoostRegressor BaseWeightBoosting",
    "sklearn.feature_extraction._dict_vectorizer": "DictVectorizer",
    "sklearn.feature_extraction._hash": "FeatureHasher",
    "sklearn.feature_extraction.image": "PatchExtractor",
    "sklearn.feature_extraction.text": "CountVectorizer HashingVectorizer TfidfTransformer TfidfVectorizer",
    "sklearn.feature_selection._from_model": "SelectFromModel",
    "sklearn.feature_selection._rfe": "RFE RFECV",
    "sklearn.feature_selection._sequential": "SequentialFeatureSelector",
    "sklearn.feature_selection._univariate_selection": (
        "GenericUnivariateSelect SelectFdr SelectFpr SelectFwe SelectKBest SelectPercentile _BaseFilter"
    ),
    "sklearn.feature_selection._variance_threshold": "VarianceThreshold",
    "sklearn.frozen._frozen": "FrozenEstimator",
    "sklearn.gaussian_process._gpc": "GaussianProcessClassifier _BinaryGaussianProcessClassifierLaplace",
    "sklearn.gaussian_process._gpr": "GaussianProcessRegressor",
    "sklearn.gaussian_process.kernels": (
        "CompoundKernel ConstantKernel DotProduct ExpSineSquared Exponentiation Kernel KernelOperator Matern "
        "PairwiseKernel Product RBF RationalQuadratic Sum WhiteKernel"
    ),
    "sklearn.impute._base": "MissingIndicator SimpleImputer _BaseImputer",
    "sklearn.impute._iterative": "IterativeImputer",
    "sklearn.impute._knn": "KNNImputer",
    "sklearn.isotonic": "IsotonicRegression",
    "sklearn.kernel_approximation": "AdditiveChi2Sampler Nystroem PolynomialCountSketch RBFSampler SkewedChi2Sampler",
    "sklearn.kernel_ridge": "KernelRidge",
    "sklearn.linear_model._base": "LinearModel LinearRegression MultiOutputLinearModel",
    "sklearn.linear_model._bayes": "ARDRegression BayesianRidge",
    "sklearn.linear_model._coordinate_descent": (
        "ElasticNet ElasticNetCV Lasso LassoCV LinearModelCV MultiTaskElasticNet MultiTaskElasticNetCV MultiTaskLasso "
        "MultiTaskLassoCV"
    ),
    "sklearn.linear_model._glm.glm": "GammaRegressor PoissonRegressor TweedieRegressor _GeneralizedLinearRegressor",
    "sklearn.linear_model._huber": "HuberRegressor",
    "sklearn.linear_model._least_angle": "Lars LarsCV LassoLars LassoLarsCV LassoLarsIC",
    "sklearn.linear_model._linear_loss": "LinearModelLoss",
    "sklearn.linear_model._logistic": "LogisticRegression LogisticRegressionCV",
    "sklearn.linear_model._omp": "OrthogonalMatchingPursuit OrthogonalMatchingPursuitCV",
    "sklearn.linear_model._passive_aggressive": "PassiveAggressiveClassifier PassiveAggressiveRegressor",
    "sklearn.linear_model._perceptron": "Perceptron",
    "sklearn.linear_model._quantile": "QuantileRegressor",
    "sklearn.linear_model._ransac": "RANSACRegressor",
    "sklearn.linear_model._ridge": (
        "Ridge RidgeCV RidgeClassifier RidgeClassifierCV _BaseRidge _BaseRidgeCV _IdentityClassifier "
        "_IdentityRegressor _RidgeGCV"
    ),
    "sklearn.linear_model._stochastic_gradient": (
        "BaseSGD BaseSGDClassifier BaseSGDRegressor SGDClassifier SGDOneClassSVM SGDRegressor _ValidationScoreCallback"
    ),
    "sklearn.linear_model._theil_sen": "TheilSenRegressor",
    "sklearn.manifold._classical_mds": "ClassicalMDS",
    "sklearn.manifold._isomap": "Isomap",
    "sklearn.manifold._locally_linear": "LocallyLinearEmbedding",
    "sklearn.manifold._mds": "MDS",
    "sklearn.manifold._spectral_embedding": "SpectralEmbedding",
    "sklearn.manifold._t_sne": "TSNE",
    "sklearn.metrics._scorer": "_BaseScorer _CurveScorer _MultimetricScorer _PassthroughScorer _Scorer",
    "sklearn.mixture._base": "BaseMixture",
    "sklearn.mixture._bayesian_mixture": "BayesianGaussianMixture",
    "sklearn.mixture._gaussian_mixture": "GaussianMixture",
    "sklearn.model_selection._classification_threshold": (
        "BaseThresholdClassifier FixedThresholdClassifier TunedThresholdClassifierCV"
    ),
    "sklearn.model_selection._search": "BaseSearchCV GridSearchCV ParameterGrid ParameterSampler RandomizedSearchCV",
    "sklearn.model_selection._search_successive_halving": (
        "BaseSuccessiveHalving HalvingGridSearchCV HalvingRandomSearchCV _SubsampleMetaSplitter"
    ),
    "sklearn.model_selection._split": (
        "BaseCrossValidator BaseShuffleSplit GroupKFold GroupShuffleSplit KFold LeaveOneGroupOut LeaveOneOut "
        "LeavePGroupsOut LeavePOut PredefinedSplit RepeatedKFold RepeatedStratifiedKFold ShuffleSplit "
        "StratifiedGroupKFold StratifiedKFold StratifiedShuffleSplit TimeSeriesSplit _BaseKFold _CVIterableWrapper "
        "_RepeatedSplits"
    ),
    "sklearn.multiclass": "OneVsOneClassifier OneVsRestClassifier OutputCodeClassifier _ConstantPredictor",
    "sklearn.multioutput": (
        "ClassifierChain MultiOutputClassifier MultiOutputRegressor RegressorChain _BaseChain _MultiOutputEstimator"
    ),
    "sklearn.naive_bayes": "BernoulliNB CategoricalNB ComplementNB GaussianNB MultinomialNB _BaseDiscreteNB _BaseNB",
    "sklearn.neighbors._base": "NeighborsBase",
    "sklearn.neighbors._classification": "KNeighborsClassifier RadiusNeighborsClassifier",
    "sklearn.neighbors._graph": "KNeighborsTransformer RadiusNeighborsTransformer",
    "sklearn.neighbors._kde": "KernelDensity",
    "sklearn.neighbors._lof": "LocalOutlierFactor",
    "sklearn.neighbors._nca": "NeighborhoodComponentsAnalysis",
    "sklearn.neighbors._nearest_centroid": "NearestCentroid",
    "sklearn.neighbors._regression": "KNeighborsRegressor RadiusNeighborsRegressor",
    "sklearn.neighbors._unsupervised": "NearestNeighbors",
    "sklearn.neural_network._multilayer_perceptron": "BaseMultilayerPerceptron MLPClassifier MLPRegressor",
    "sklearn.neural_network._rbm": "BernoulliRBM",
    "sklearn.neural_network._stochastic_optimizers": "AdamOptimizer BaseOptimizer SGDOptimizer",
    "sklearn.pipeline": "FeatureUnion Pipeline",
    "sklearn.preprocessing._data": (
        "Binarizer KernelCenterer MaxAbsScaler MinMaxScaler Normalizer PowerTransformer QuantileTransformer "
        "RobustScaler StandardScaler"
    ),
    "sklearn.preprocessing._discretization": "KBinsDiscretizer",
    "sklearn.preprocessing._encoders": "OneHotEncoder OrdinalEncoder _BaseEncoder",
    "sklearn.preprocessing._function_transformer": "FunctionTransformer",
    "sklearn.preprocessing._label": "LabelBinarizer LabelEncoder MultiLabelBinarizer",
    "sklearn.preprocessing._polynomial": "PolynomialFeatures SplineTransformer",
    "sklearn.preprocessing._target_encoder": "TargetEncoder",
    "sklearn.random_projection": "BaseRandomProjection GaussianRandomProjection SparseRandomProjection",
    "sklearn.semi_supervised._label_propagation": "BaseLabelPropagation LabelPropagation LabelSpreading",
    "sklearn.semi_supervised._self_training": "SelfTrainingClassifier",
    "sklearn.svm._base": "BaseLibSVM BaseSVC",
    "sklearn.svm._classes": "LinearSVC LinearSVR NuSVC NuSVR OneClassSVM SVC SVR",
    "sklearn.tree._classes": (
        "BaseDecisionTree DecisionTreeClassifier DecisionTreeRegressor ExtraTreeClassifier ExtraTreeRegressor"
    ),
    "sklearn.utils._metadata_requests": "MetadataRequest MetadataRouter MethodMapping MethodMetadataRequest",
    "sklearn.utils._tags": "ClassifierTags InputTags RegressorTags Tags TargetTags TransformerTags",
    "torch.amp.grad_scaler": "GradScaler",
    "torch.ao.nn.intrinsic.modules.fused": (
        "BNReLU2d BNReLU3d ConvAdd2d ConvAddReLU2d ConvBn1d ConvBn2d ConvBn3d ConvBnReLU1d ConvBnReLU2d ConvBnReLU3d "
        "ConvReLU1d ConvReLU2d ConvReLU3d LinearBn1d LinearLeakyReLU LinearReLU LinearTanh _FusedModule"
    ),
    "torch.ao.nn.intrinsic.qat.modules.conv_fused": (
        "ConvBn1d ConvBn2d ConvBn3d ConvBnReLU1d ConvBnReLU2d ConvBnReLU3d ConvReLU1d ConvReLU2d ConvReLU3d _ConvBnNd"
    ),
    "torch.ao.nn.intrinsic.qat.modules.linear_fused": "LinearBn1d",
    "torch.ao.nn.intrinsic.qat.modules.linear_relu": "LinearReLU",
    "torch.ao.nn.intrinsic.quantized.dynamic.modules.linear_relu": "LinearReLU",
    "torch.ao.nn.intrinsic.quantized.modules.bn_relu": "BNReLU2d BNReLU3d",
    "torch.ao.nn.intrinsic.quantized.modules.linear_relu": "LinearLeakyReLU LinearReLU LinearTanh",
    "torch.ao.nn.qat.dynamic.modules.linear": "Linear",
    "torch.ao.nn.qat.modules.conv": "Conv1d Conv2d Conv3d _ConvNd",
    "torch.ao.nn.qat.modules.embedding_ops": "Embedding EmbeddingBag",
    "torch.ao.nn.qat.modules.linear": "Linear",
    "torch.ao.nn.quantizable.modules.activation": "MultiheadAttention",
    "torch.ao.nn.quantizable.modules.rnn": "LSTM LSTMCell _LSTMLayer _LSTMSingleLayer",
    "torch.ao.nn.quantized.dynamic.modules.linear": "Linear",
    "torch.ao.nn.quantized.dynamic.modules.rnn": (
        "GRU GRUCell LSTM LSTMCell PackedParameter RNNBase RNNCell RNNCellBase"
    ),
    "torch.ao.nn.quantized.modules": "DeQuantize Quantize",
    "torch.ao.nn.quantized.modules.activation": (
        "ELU Hardswish LeakyReLU MultiheadAttention PReLU ReLU6 Sigmoid Softmax"
    ),
    "torch.ao.nn.quantized.modules.batchnorm": "BatchNorm2d BatchNorm3d _BatchNorm",
    "torch.ao.nn.quantized.modules.dropout": "Dropout",
    "torch.ao.nn.quantized.modules.embedding_ops": "Embedding EmbeddingBag EmbeddingPackedParams",
    "torch.ao.nn.quantized.modules.functional_modules": "FXFloatFunctional FloatFunctional QFunctional",
    "torch.ao.nn.quantized.modules.linear": "Linear LinearPackedParams",
    "torch.ao.nn.quantized.modules.normalization": "GroupNorm InstanceNorm1d InstanceNorm2d InstanceNorm3d LayerNorm",
    "torch.ao.nn.quantized.modules.rnn": "LSTM",
    "torch.ao.nn.quantized.modules.utils": "WeightedQuantizedModule",
    "torch.ao.nn.quantized.reference.modules.conv": (
        "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d _ConvNd _ConvTransposeNd"
    ),
    "torch.ao.nn.quantized.reference.modules.linear": "Linear",
    "torch.ao.nn.quantized.reference.modules.rnn": "GRU GRUCell LSTM LSTMCell RNNBase RNNCell RNNCellBase",
    "torch.ao.nn.quantized.reference.modules.sparse": "Embedding EmbeddingBag",
    "torch.ao.nn.quantized.reference.modules.utils": "ReferenceQuantizedModule",
    "torch.ao.nn.sparse.quantized.dynamic.linear": "Linear",
    "torch.ao.nn.sparse.quantized.linear": "Linear",
    "torch.ao.nn.sparse.quantized.utils": "LinearBlockSparsePattern",
    "torch.ao.quantization.fake_quantize": (
        "FakeQuantize FakeQuantizeBase FixedQParamsFakeQuantize FusedMovingAvgObsFakeQuantize"
    ),
    "torch.ao.quantization.observer": (
        "AffineQuantizedObserverBase FixedQParamsObserver HistogramObserver MinMaxObserver MovingAverageMinMaxObserver "
        "MovingAveragePerChannelMinMaxObserver NoopObserver ObserverBase PerChannelMinMaxObserver PlaceholderObserver "
        "RecordingObserver ReuseInputObserver UniformQuantizationObserverBase _PartialWrapper"
    ),
    "torch.ao.quantization.stubs": "DeQuantStub QuantStub QuantWrapper",
    "torch.cuda.amp.grad_scaler": "GradScaler",
    "torch.distributions.bernoulli": "Bernoulli",
    "torch.distributions.beta": "Beta",
    "torch.distributions.binomial": "Binomial",
    "torch.distributions.categorical": "Categorical",
    "torch.distributions.cauchy": "Cauchy",
    "torch.distributions.chi2": "Chi2",
    "torch.distributions.constraints": (
        "Constraint MixtureSameFamilyConstraint _Boolean _Cat _CorrCholesky _Dependent _GreaterThan _GreaterThanEq "
        "_HalfOpenInterval _IndependentConstraint _IntegerGreaterThan _IntegerInterval _IntegerLessThan _Interval "
        "_LessThan _LowerCholesky _LowerTriangular _Multinomial _OneHot _PositiveDefinite _PositiveSemidefinite _Real "
        "_Simplex _Square _Stack _Symmetric"
    ),
    "torch.distributions.continuous_bernoulli": "ContinuousBernoulli",
    "torch.distributions.dirichlet": "Dirichlet",
    "torch.distributions.distribution": "Distribution",
    "torch.distributions.exp_family": "ExponentialFamily",
    "torch.distributions.exponential": "Exponential",
    "torch.distributions.fishersnedecor": "FisherSnedecor",
    "torch.distributions.gamma": "Gamma",
    "torch.distributions.generalized_pareto": "GeneralizedPareto",
    "torch.distributions.geometric": "Geometric",
    "torch.distributions.gumbel": "Gumbel",
    "torch.distributions.half_cauchy": "HalfCauchy",
    "torch.distributions.half_normal": "HalfNormal",
    "torch.distributions.independent": "Independent",
    "torch.distributions.inverse_gamma": "InverseGamma",
    "torch.distributions.kumaraswamy": "Kumaraswamy",
    "torch.distributions.laplace": "Laplace",
    "torch.distributions.lkj_cholesky": "LKJCholesky",
    "torch.distributions.log_normal": "LogNormal",
    "torch.distributions.logistic_normal": "LogisticNormal",
    "torch.distributions.lowrank_multivariate_normal": "LowRankMultivariateNormal",
    "torch.distributions.mixture_same_family": "MixtureSameFamily",
    "torch.distributions.multinomial": "Multinomial",
    "torch.distributions.multivariate_normal": "MultivariateNormal",
    "torch.distributions.negative_binomial": "NegativeBinomial",
    "torch.distributions.normal": "Normal",
    "torch.distributions.one_hot_categorical": "OneHotCategorical OneHotCategoricalStraightThrough",
    "torch.distributions.pareto": "Pareto",
    "torch.distributions.poisson": "Poisson",
    "torch.distributions.relaxed_bernoulli": "LogitRelaxedBernoulli RelaxedBernoulli",
    "torch.distributions.relaxed_categorical": "ExpRelaxedCategorical RelaxedOneHotCategorical",
    "torch.distributions.studentT": "StudentT",
    "torch.distributions.transformed_distribution": "TransformedDistribution",
    "torch.distributions.transforms": (
        "AbsTransform AffineTransform CatTransform ComposeTransform CorrCholeskyTransform "
        "CumulativeDistributionTransform ExpTransform IndependentTransform LowerCholeskyTransform "
        "PositiveDefiniteTransform PowerTransform ReshapeTransform SigmoidTransform SoftmaxTransform SoftplusTransform "
        "StackTransform StickBreakingTransform TanhTransform Transform _InverseTransform"
    ),
    "torch.distributions.uniform": "Uniform",
    "torch.distributions.von_mises": "VonMises",
    "torch.distributions.weibull": "Weibull",
    "torch.distributions.wishart": "Wishart",
    "torch.nn.cpp": "ModuleWrapper",
    "torch.nn.modules.activation": (
        "CELU ELU GELU GLU Hardshrink Hardsigmoid Hardswish Hardtanh LeakyReLU LogSigmoid LogSoftmax Mish "
        "MultiheadAttention PReLU RReLU ReLU ReLU6 SELU SiLU Sigmoid Softmax Softmax2d Softmin Softplus Softshrink "
        "Softsign Tanh Tanhshrink Threshold"
    ),
    "torch.nn.modules.adaptive": "AdaptiveLogSoftmaxWithLoss",
    "torch.nn.modules.batchnorm": (
        "BatchNorm1d BatchNorm2d BatchNorm3d LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d SyncBatchNorm _BatchNorm "
        "_LazyNormBase _NormBase"
    ),
    "torch.nn.modules.channelshuffle": "ChannelShuffle",
    "torch.nn.modules.container": "Container ModuleDict ModuleList ParameterDict ParameterList Sequential",
    "torch.nn.modules.conv": (
        "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d LazyConv1d LazyConv2d LazyConv3d "
        "LazyConvTranspose1d LazyConvTranspose2d LazyConvTranspose3d _ConvNd _ConvTransposeNd"
    ),
    "torch.nn.modules.distance": "CosineSimilarity PairwiseDistance",
    "torch.nn.modules.dropout": "AlphaDropout Dropout Dropout1d Dropout2d Dropout3d FeatureAlphaDropout _DropoutNd",
    "torch.nn.modules.flatten": "Flatten Unflatten",
    "torch.nn.modules.fold": "Fold Unfold",
    "torch.nn.modules.instancenorm": (
        "InstanceNorm1d InstanceNorm2d InstanceNorm3d LazyInstanceNorm1d LazyInstanceNorm2d LazyInstanceNorm3d "
        "_InstanceNorm"
    ),
    "torch.nn.modules.linear": "Bilinear Identity LazyLinear Linear NonDynamicallyQuantizableLinear",
    "torch.nn.modules.loss": (
        "BCELoss BCEWithLogitsLoss CTCLoss CosineEmbeddingLoss CrossEntropyLoss GaussianNLLLoss HingeEmbeddingLoss "
        "HuberLoss KLDivLoss L1Loss LinearCrossEntropyLoss MSELoss MarginRankingLoss MultiLabelMarginLoss "
        "MultiLabelSoftMarginLoss MultiMarginLoss NLLLoss NLLLoss2d PoissonNLLLoss SmoothL1Loss SoftMarginLoss "
        "TripletMarginLoss TripletMarginWithDistanceLoss _Loss _WeightedLoss"
    ),
    "torch.nn.modules.module": "Module",
    "torch.nn.modules.normalization": "CrossMapLRN2d GroupNorm LayerNorm LocalResponseNorm RMSNorm",
    "torch.nn.modules.padding": (
        "CircularPad1d CircularPad2d CircularPad3d ConstantPad1d ConstantPad2d ConstantPad3d ReflectionPad1d "
        "ReflectionPad2d ReflectionPad3d ReplicationPad1d ReplicationPad2d ReplicationPad3d ZeroPad1d ZeroPad2d "
        "ZeroPad3d _CircularPadNd _ConstantPadNd _ReflectionPadNd _ReplicationPadNd"
    ),
    "torch.nn.modules.pixelshuffle": "PixelShuffle PixelUnshuffle",
    "torch.nn.modules.pooling": (
        "AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d "
        "AvgPool1d AvgPool2d AvgPool3d FractionalMaxPool2d FractionalMaxPool3d LPPool1d LPPool2d LPPool3d MaxPool1d "
        "MaxPool2d MaxPool3d MaxUnpool1d MaxUnpool2d MaxUnpool3d _AdaptiveAvgPoolNd _AdaptiveMaxPoolNd _AvgPoolNd "
        "_LPPoolNd _MaxPoolNd _MaxUnpoolNd"
    ),
    "torch.nn.modules.rnn": "GRU GRUCell LSTM LSTMCell RNN RNNBase RNNCell RNNCellBase",
    "torch.nn.modules.sparse": "Embedding EmbeddingBag",
    "torch.nn.modules.transformer": (
        "Transformer TransformerDecoder TransformerDecoderLayer TransformerEncoder TransformerEncoderLayer"
    ),
    "torch.nn.modules.upsampling": "Upsample UpsamplingBilinear2d UpsamplingNearest2d",
    "torch.nn.parallel.data_parallel": "DataParallel",
    "torch.nn.utils.parametrizations": "_Orthogonal _SpectralNorm _WeightNorm",
    "torch.nn.utils.parametrize": "ParametrizationList",
    "torch.nn.utils.prune": (
        "BasePruningMethod CustomFromMask Identity L1Unstructured LnStructured PruningContainer RandomStructured "
        "RandomUnstructured"
    ),
    "torch.nn.utils.spectral_norm": "SpectralNorm SpectralNormLoadStateDictPreHook SpectralNormStateDictHook",
    "torch.nn.utils.weight_norm": "WeightNorm",
    "torch.optim": "Adafactor Muon",
    "torch.optim.adadelta": "Adadelta",
    "torch.optim.adagrad": "Adagrad",
    "torch.optim.adam": "Adam",
    "torch.optim.adamax": "Adamax",
    "torch.optim.adamw": "AdamW",
    "torch.optim.asgd": "ASGD",
    "torch.optim.lbfgs": "LBFGS",
    "torch.optim.lr_scheduler": (
        "ChainedScheduler ConstantLR CosineAnnealingLR CosineAnnealingWarmRestarts CyclicLR ExponentialLR LRScheduler "
        "LambdaLR LinearLR MultiStepLR MultiplicativeLR OneCycleLR PolynomialLR ReduceLROnPlateau SequentialLR StepLR "
        "_LRScheduler _enable_get_lr_call _initial_mode"
    ),
    "torch.optim.nadam": "NAdam",
    "torch.optim.optimizer": "Optimizer _RequiredParameter",
    "torch.optim.radam": "RAdam",
    "torch.optim.rmsprop": "RMSprop",
    "torch.optim.rprop": "Rprop",
    "torch.optim.sgd": "SGD",
    "torch.optim.sparse_adam": "SparseAdam",
    "torch.optim.swa_utils": "AveragedModel SWALR",
    "torch.utils.data.dataloader": "DataLoader",
    "torch.utils.data.dataset": "ChainDataset ConcatDataset Dataset IterableDataset StackDataset Subset TensorDataset",
    "torch.utils.data.sampler": (
        "BatchSampler RandomSampler Sampler SequentialSampler SubsetRandomSampler WeightedRandomSampler"
    ),
}

# The same, of earlier releases.
EARLIER_CLASSES: dict[str, str] = {
    "scipy.interpolate.interpolate": "BPoly PPoly interp1d",
    "scipy.sparse.bsr": "bsr_matrix",
    "scipy.sparse.coo": "coo_matrix",
    "scipy.sparse.csc": "csc_matrix",
    "scipy.sparse.csr": "csr_matrix",
    "scipy.sparse.dia": "dia_matrix",
    "scipy.sparse.lil": "lil_matrix",
    "sklearn._loss.glm_distribution": (
        "ExponentialDispersionModel GammaDistribution InverseGaussianDistribution NormalDistribution "
        "PoissonDistribution TweedieDistribution"
    ),
    "sklearn.cluster.affinity_propagation_": "AffinityPropagation",
    "sklearn.cluster.bicluster": "BaseSpectral SpectralBiclustering SpectralCoclustering",
    "sklearn.cluster.birch": "Birch _CFNode _CFSubcluster",
    "sklearn.cluster.dbscan_": "DBSCAN",
    "sklearn.cluster.hierarchical": "AgglomerativeClustering FeatureAgglomeration",
    "sklearn.cluster.k_means_": "KMeans MiniBatchKMeans",
    "sklearn.cluster.mean_shift_": "MeanShift",
    "sklearn.cluster.optics_": "OPTICS",
    "sklearn.cluster.spectral": "SpectralClustering",
    "sklearn.compose._column_transformer": "_RemainderColsList",
    "sklearn.covariance.elliptic_envelope": "EllipticEnvelope",
    "sklearn.covariance.empirical_covariance_": "EmpiricalCovariance",
    "sklearn.covariance.graph_lasso_": "GraphLasso GraphLassoCV GraphicalLasso GraphicalLassoCV",
    "sklearn.covariance.outlier_detection": "EllipticEnvelope",
    "sklearn.covariance.robust_covariance": "MinCovDet",
    "sklearn.covariance.shrunk_covariance_": "LedoitWolf OAS ShrunkCovariance",
    "sklearn.cross_decomposition._cca": "CCA",
    "sklearn.cross_decomposition.cca_": "CCA",
    "sklearn.cross_decomposition.pls_": "PLSCanonical PLSRegression PLSSVD _PLS",
    "sklearn.cross_validation": (
        "BaseShuffleSplit KFold LabelKFold LabelShuffleSplit LeaveOneLabelOut LeaveOneOut LeavePLabelOut LeavePOut "
        "PredefinedSplit ShuffleSplit StratifiedKFold StratifiedShuffleSplit _BaseKFold _PartitionIterator"
    ),
    "sklearn.decomposition.base": "_BasePCA",
    "sklearn.decomposition.dict_learning": "DictionaryLearning MiniBatchDictionaryLearning SparseCoder",
    "sklearn.decomposition.factor_analysis": "FactorAnalysis",
    "sklearn.decomposition.fastica_": "FastICA",
    "sklearn.decomposition.incremental_pca": "IncrementalPCA",
    "sklearn.decomposition.kernel_pca": "KernelPCA",
    "sklearn.decomposition.nmf": "NMF ProjectedGradientNMF",
    "sklearn.decomposition.online_lda": "LatentDirichletAllocation",
    "sklearn.decomposition.pca": "PCA RandomizedPCA",
    "sklearn.decomposition.sparse_pca": "MiniBatchSparsePCA SparsePCA",
    "sklearn.decomposition.truncated_svd": "TruncatedSVD",
    "sklearn.ensemble._gb": (
        "BinomialDeviance ClassificationLossFunction ExponentialLoss HuberLossFunction LeastAbsoluteError "
        "LeastSquaresError LogOddsEstimator LossFunction MeanEstimator MultinomialDeviance PriorProbabilityEstimator "
        "QuantileEstimator QuantileLossFunction RegressionLossFunction ScaledLogOddsEstimator ZeroEstimator"
    ),
    "sklearn.ensemble._gb_losses": (
        "BinomialDeviance ClassificationLossFunction ExponentialLoss HuberLossFunction LeastAbsoluteError "
        "LeastSquaresError LossFunction MultinomialDeviance QuantileLossFunction RegressionLossFunction"
    ),
    "sklearn.ensemble._hist_gradient_boosting.loss": (
        "BaseLoss BinaryCrossEntropy CategoricalCrossEntropy LeastAbsoluteDeviation LeastSquares Poisson"
    ),
    "sklearn.ensemble.bagging": "BaggingClassifier BaggingRegressor BaseBagging",
    "sklearn.ensemble.base": "BaseEnsemble",
    "sklearn.ensemble.forest": (
        "BaseForest ExtraTreesClassifier ExtraTreesRegressor ForestClassifier ForestRegressor RandomForestClassifier "
        "RandomForestRegressor RandomTreesEmbedding"
    ),
    "sklearn.ensemble.gradient_boosting": (
        "BaseGradientBoosting BinomialDeviance ClassificationLossFunction ExponentialLoss GradientBoostingClassifier "
        "GradientBoostingRegressor HuberLossFunction LeastAbsoluteError LeastSquaresError LogOddsEstimator "
        "LossFunction MeanEstimator MultinomialDeviance PriorProbabilityEstimator QuantileEstimator "
        "QuantileLossFunction RegressionLossFunction ScaledLogOddsEstimator VerboseReporter ZeroEstimator"
    ),
    "sklearn.ensemble.iforest": "IsolationForest",
    "sklearn.ensemble.voting": "VotingClassifier VotingRegressor _BaseVoting",
    "sklearn.ensemble.voting_classifier": "VotingClassifier",
    "sklearn.ensemble.weight_boosting": "AdaBoostClassifier AdaBoostRegressor BaseWeightBoosting",
    "sklearn.feature_extraction.dict_vectorizer": "DictVectorizer",
    "sklearn.feature_extraction.hashing": "FeatureHasher",
    "sklearn.feature_selection.from_model": "SelectFromModel",
    "sklearn.feature_selection.rfe": "RFE RFECV",
    "sklearn.feature_selection.univariate_selection": (
        "GenericUnivariateSelect SelectFdr SelectFpr SelectFwe SelectKBest SelectPercentile _BaseFilter"
    ),
    "sklearn.feature_selection.variance_threshold": "VarianceThreshold",
    "sklearn.gaussian_process.gaussian_process": "GaussianProcess",
    "sklearn.gaussian_process.gpc": "GaussianProcessClassifier _BinaryGaussianProcessClassifierLaplace",
    "sklearn.gaussian_process.gpr": "GaussianProcessRegressor",
    "sklearn.grid_search": "BaseSearchCV GridSearchCV ParameterGrid ParameterSampler RandomizedSearchCV",
    "sklearn.impute": "MissingIndicator SimpleImputer",
    "sklearn.lda": "LDA",
    "sklearn.linear_model._glm.glm": "GeneralizedLinearRegressor",
    "sklearn.linear_model._glm.link": "BaseLink IdentityLink LogLink LogitLink",
    "sklearn.linear_model.base": "LinearModel LinearRegression",
    "sklearn.linear_model.bayes": "ARDRegression BayesianRidge",
    "sklearn.linear_model.coordinate_descent": (
        "ElasticNet ElasticNetCV Lasso LassoCV LinearModelCV MultiTaskElasticNet MultiTaskElasticNetCV MultiTaskLasso "
        "MultiTaskLassoCV"
    ),
    "sklearn.linear_model.huber": "HuberRegressor",
    "sklearn.linear_model.least_angle": "Lars LarsCV LassoLars LassoLarsCV LassoLarsIC",
    "sklearn.linear_model.logistic": "LogisticRegression LogisticRegressionCV",
    "sklearn.linear_model.omp": "OrthogonalMatchingPursuit OrthogonalMatchingPursuitCV",
    "sklearn.linear_model.passive_aggressive": "PassiveAggressiveClassifier PassiveAggressiveRegressor",
    "sklearn.linear_model.perceptron": "Perceptron",
    "sklearn.linear_model.randomized_l1": "BaseRandomizedLinearModel RandomizedLasso RandomizedLogisticRegression",
    "sklearn.linear_model.ransac": "RANSACRegressor",
    "sklearn.linear_model.ridge": "Ridge RidgeCV RidgeClassifier RidgeClassifierCV _BaseRidge _BaseRidgeCV _RidgeGCV",
    "sklearn.linear_model.stochastic_gradient": (
        "BaseSGD BaseSGDClassifier BaseSGDRegressor SGDClassifier SGDRegressor _ValidationScoreCallback"
    ),
    "sklearn.linear_model.theil_sen": "TheilSenRegressor",
    "sklearn.manifold.isomap": "Isomap",
    "sklearn.manifold.locally_linear": "LocallyLinearEmbedding",
    "sklearn.manifold.mds": "MDS",
    "sklearn.manifold.spectral_embedding_": "SpectralEmbedding",
    "sklearn.manifold.t_sne": "TSNE",
    "sklearn.metrics._scorer": "_PredictScorer _ProbaScorer _ThresholdScorer",
    "sklearn.metrics.scorer": "_BaseScorer _PredictScorer _ProbaScorer _ThresholdScorer",
    "sklearn.mixture.base": "BaseMixture",
    "sklearn.mixture.bayesian_mixture": "BayesianGaussianMixture",
    "sklearn.mixture.dpgmm": "DPGMM VBGMM _DPGMMBase",
    "sklearn.mixture.gaussian_mixture": "GaussianMixture",
    "sklearn.mixture.gmm": "GMM _GMMBase",
    "sklearn.model_selection._classification_threshold": "_CurveScorer",
    "sklearn.multioutput": "MultiOutputEstimator",
    "sklearn.naive_bayes": "BaseDiscreteNB BaseNB",
    "sklearn.neighbors._distance_metric": "DistanceMetric",
    "sklearn.neighbors.approximate": "GaussianRandomProjectionHash LSHForest",
    "sklearn.neighbors.base": "NeighborsBase",
    "sklearn.neighbors.classification": "KNeighborsClassifier RadiusNeighborsClassifier",
    "sklearn.neighbors.kde": "KernelDensity",
    "sklearn.neighbors.lof": "LocalOutlierFactor",
    "sklearn.neighbors.nca": "NeighborhoodComponentsAnalysis",
    "sklearn.neighbors.nearest_centroid": "NearestCentroid",
    "sklearn.neighbors.regression": "KNeighborsRegressor RadiusNeighborsRegressor",
    "sklearn.neighbors.unsupervised": "NearestNeighbors",
    "sklearn.neural_network.multilayer_perceptron": "BaseMultilayerPerceptron MLPClassifier MLPRegressor",
    "sklearn.neural_network.rbm": "BernoulliRBM",
    "sklearn.pipeline": "_BasePipeline",
    "sklearn.preprocessing._data": "PolynomialFeatures",
    "sklearn.preprocessing.data": (
        "Binarizer CategoricalEncoder KernelCenterer MaxAbsScaler MinMaxScaler Normalizer OneHotEncoder "
        "PolynomialFeatures PowerTransformer QuantileTransformer RobustScaler StandardScaler"
    ),
    "sklearn.preprocessing.imputation": "Imputer",
    "sklearn.preprocessing.label": "LabelBinarizer LabelEncoder MultiLabelBinarizer",
    "sklearn.qda": "QDA",
    "sklearn.semi_supervised.label_propagation": "BaseLabelPropagation LabelPropagation LabelSpreading",
    "sklearn.svm.base": "BaseLibSVM BaseSVC",
    "sklearn.svm.classes": "LinearSVC LinearSVR NuSVC NuSVR OneClassSVM SVC SVR",
    "sklearn.tree.tree": (
        "BaseDecisionTree DecisionTreeClassifier DecisionTreeRegressor ExtraTreeClassifier ExtraTreeRegressor"
    ),
    "torch.nn.intrinsic.modules.fused": (
        "BNReLU2d BNReLU3d ConvAdd2d ConvAddReLU2d ConvBn1d ConvBn2d ConvBn3d ConvBnReLU1d ConvBnReLU2d ConvBnReLU3d "
        "ConvReLU1d ConvReLU2d ConvReLU3d LinearBn1d LinearLeakyReLU LinearReLU LinearTanh _FusedModule"
    ),
    "torch.nn.intrinsic.qat.modules.conv_fused": (
        "ConvBn1d ConvBn2d ConvBn3d ConvBnReLU1d ConvBnReLU2d ConvBnReLU3d ConvReLU1d ConvReLU2d ConvReLU3d _ConvBnNd"
    ),
    "torch.nn.intrinsic.qat.modules.linear_fused": "LinearBn1d",
    "torch.nn.intrinsic.qat.modules.linear_relu": "LinearReLU",
    "torch.nn.intrinsic.quantized.dynamic.modules.linear_relu": "LinearReLU",
    "torch.nn.intrinsic.quantized.modules.bn_relu": "BNReLU2d BNReLU3d",
    "torch.nn.intrinsic.quantized.modules.linear_relu": "LinearLeakyReLU LinearReLU LinearTanh",
    "torch.nn.modules.linear": "_LinearWithBias",
    "torch.nn.modules.loss": "BCELoss2d",
    "torch.nn.qat.dynamic.modules.linear": "Linear",
    "torch.nn.qat.modules.conv": "Conv1d Conv2d Conv3d _ConvNd",
    "torch.nn.qat.modules.embedding_ops": "Embedding EmbeddingBag",
    "torch.nn.qat.modules.linear": "Linear",
    "torch.nn.quantizable.modules.activation": "MultiheadAttention",
    "torch.nn.quantizable.modules.rnn": "LSTM LSTMCell _LSTMLayer _LSTMSingleLayer",
    "torch.nn.quantized.dynamic.modules.linear": "Linear",
    "torch.nn.quantized.dynamic.modules.rnn": "GRU GRUCell LSTM LSTMCell PackedParameter RNNBase RNNCell RNNCellBase",
    "torch.nn.quantized.modules": "DeQuantize Quantize",
    "torch.nn.quantized.modules.activation": "ELU Hardswish LeakyReLU MultiheadAttention PReLU ReLU6 Sigmoid Softmax",
    "torch.nn.quantized.modules.batchnorm": "BatchNorm2d BatchNorm3d _BatchNorm",
    "torch.nn.quantized.modules.dropout": "Dropout",
    "torch.nn.quantized.modules.embedding_ops": "Embedding EmbeddingBag EmbeddingPackedParams",
    "torch.nn.quantized.modules.functional_modules": "FXFloatFunctional FloatFunctional QFunctional",
    "torch.nn.quantized.modules.linear": "Linear LinearPackedParams",
    "torch.nn.quantized.modules.normalization": "GroupNorm InstanceNorm1d InstanceNorm2d InstanceNorm3d LayerNorm",
    "torch.nn.quantized.modules.rnn": "LSTM",
    "torch.nn.quantized.modules.utils": "WeightedQuantizedModule",
    "torch.nn.quantized.reference.modules.conv": (
        "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d _ConvNd _ConvTransposeNd"
    ),
    "torch.nn.quantized.reference.modules.linear": "Linear",
    "torch.nn.quantized.reference.modules.rnn": "GRU GRUCell LSTM LSTMCell RNNBase RNNCell RNNCellBase",
    "torch.nn.quantized.reference.modules.sparse": "Embedding EmbeddingBag",
    "torch.nn.quantized.reference.modules.utils": "ReferenceQuantizedModule",
    "torch.nn.sparse.quantized.dynamic.linear": "Linear",
    "torch.nn.sparse.quantized.linear": "Linear",
    "torch.nn.sparse.quantized.utils": "LinearBlockSparsePattern",
    "torch.quantization.fake_quantize": (
        "FakeQuantize FakeQuantizeBase FixedQParamsFakeQuantize FusedMovingAvgObsFakeQuantize"
    ),
    "torch.quantization.observer": (
        "AffineQuantizedObserverBase FixedQParamsObserver HistogramObserver MinMaxObserver MovingAverageMinMaxObserver "
        "MovingAveragePerChannelMinMaxObserver NoopObserver ObserverBase PerChannelMinMaxObserver PlaceholderObserver "
        "RecordingObserver ReuseInputObserver UniformQuantizationObserverBase _PartialWrapper"
    ),
    "torch.quantization.stubs": "DeQuantStub QuantStub QuantWrapper",
}

# Functions and classes that such instances hold, and that nothing calls.
VALUES: dict[str, str] = {
    "builtins": "DeprecationWarning FutureWarning UserWarning",
    "numpy": (
        "abs absolute add all amax amin any arccos arccosh arcsin arcsinh arctan arctan2 arctanh argmax argmin around "
        "average bool_ cbrt ceil clip concatenate conjugate copysign cos cosh cumprod cumsum deg2rad degrees diff "
        "divide dot exp exp2 expm1 fabs fix float_power floor fmax fmin fmod heaviside hypot identity isfinite isinf "
        "isnan log log10 log1p log2 logaddexp logical_and logical_not logical_or max maximum mean median min minimum "
        "mod multiply nan_to_num nanmax nanmean nanmedian nanmin nanstd nansum nanvar negative percentile positive "
        "power prod quantile rad2deg radians ravel reciprocal remainder rint round sign sin sinh sqrt square squeeze "
        "std subtract sum tan tanh transpose true_divide trunc unique var"
    ),
    "numpy._core._methods": "_amax _amin _mean _prod _std _sum _var",
    "numpy._core.fromnumeric": "amax amin clip max mean min prod ravel std sum var",
    "numpy.core._methods": "_amax _amin _mean _prod _std _sum _var",
    "numpy.core.fromnumeric": "amax amin clip mean prod ravel std sum var",
    "numpy.lib._function_base_impl": "average median percentile quantile",
    "numpy.lib.function_base": "average median percentile quantile",
    "scipy._lib.array_api_compat.numpy._aliases": "asarray",
    "scipy.special": "expit logit",
    "scipy.special._ufuncs": (
        "boxcox boxcox1p entr erf erfc erfinv exp10 exp2 expit expm1 gamma gammaln inv_boxcox inv_boxcox1p kl_div "
        "log1p log_expit logit ndtr ndtri rel_entr xlog1py xlogy"
    ),
    "sklearn.cluster._kmeans": "_kmeans_single_elkan _kmeans_single_lloyd k_means kmeans_plusplus",
    "sklearn.decomposition._fastica": "_cube _exp _logcosh fastica",
    "sklearn.feature_extraction.text": "strip_accents_ascii strip_accents_unicode strip_tags",
    "sklearn.feature_selection._mutual_info": "mutual_info_classif mutual_info_regression",
    "sklearn.feature_selection._univariate_selection": "chi2 f_classif f_oneway f_regression r_regression",
    "sklearn.metrics._classification": (
        "accuracy_score balanced_accuracy_score brier_score_loss class_likelihood_ratios classification_report "
        "cohen_kappa_score confusion_matrix d2_brier_score d2_log_loss_score f1_score fbeta_score hamming_loss "
        "hinge_loss jaccard_score log_loss matthews_corrcoef multilabel_confusion_matrix "
        "precision_recall_fscore_support precision_score recall_score zero_one_loss"
    ),
    "sklearn.metrics._ranking": (
        "auc average_precision_score confusion_matrix_at_thresholds coverage_error dcg_score det_curve "
        "label_ranking_average_precision_score label_ranking_loss metric_at_thresholds ndcg_score "
        "precision_recall_curve roc_auc_score roc_curve top_k_accuracy_score"
    ),
    "sklearn.metrics._regression": (
        "d2_absolute_error_score d2_pinball_score d2_tweedie_score explained_variance_score max_error "
        "mean_absolute_error mean_absolute_percentage_error mean_gamma_deviance mean_pinball_loss "
        "mean_poisson_deviance mean_squared_error mean_squared_log_error mean_tweedie_deviance median_absolute_error "
        "r2_score root_mean_squared_error root_mean_squared_log_error"
    ),
    "sklearn.metrics._scorer": "_passthrough_scorer",
    "sklearn.metrics.cluster._bicluster": "consensus_score",
    "sklearn.metrics.cluster._supervised": (
        "adjusted_mutual_info_score adjusted_rand_score check_clusterings completeness_score contingency_matrix "
        "entropy fowlkes_mallows_score homogeneity_completeness_v_measure homogeneity_score mutual_info_score "
        "normalized_mutual_info_score pair_confusion_matrix rand_score v_measure_score"
    ),
    "sklearn.metrics.cluster._unsupervised": (
        "calinski_harabasz_score check_number_of_labels davies_bouldin_score silhouette_samples silhouette_score"
    ),
    "sklearn.metrics.pairwise": (
        "additive_chi2_kernel check_paired_arrays check_pairwise_arrays chi2_kernel cosine_distances cosine_similarity "
        "distance_metrics euclidean_distances haversine_distances kernel_metrics laplacian_kernel linear_kernel "
        "manhattan_distances nan_euclidean_distances paired_cosine_distances paired_distances "
        "paired_euclidean_distances paired_manhattan_distances pairwise_distances pairwise_distances_argmin "
        "pairwise_distances_argmin_min pairwise_distances_chunked pairwise_kernels polynomial_kernel rbf_kernel "
        "sigmoid_kernel"
    ),
    "sklearn.metrics.scorer": "_passthrough_scorer",
    "sklearn.neural_network._base": (
        "binary_log_loss inplace_exp inplace_identity inplace_identity_derivative inplace_logistic "
        "inplace_logistic_derivative inplace_relu inplace_relu_derivative inplace_softmax inplace_tanh "
        "inplace_tanh_derivative log_loss poisson_loss squared_loss"
    ),
    "sklearn.preprocessing._data": (
        "add_dummy_feature binarize maxabs_scale minmax_scale normalize power_transform quantile_transform "
        "robust_scale scale"
    ),
    "sklearn.preprocessing._label": "label_binarize",
    "torch._C._nn": "elu_ gelu hardtanh leaky_relu log_sigmoid mish silu softplus softshrink",
    "torch.amp.grad_scaler": "_refresh_per_optimizer_state",
    "torch.cuda.amp.grad_scaler": "_refresh_per_optimizer_state",
    "torch.nn.functional": (
        "adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d_with_indices adaptive_max_pool2d_with_indices "
        "adaptive_max_pool3d_with_indices affine_grid alpha_dropout assert_int_or_pair batch_norm binary_cross_entropy "
        "binary_cross_entropy_with_logits celu cosine_embedding_loss cross_entropy ctc_loss dropout dropout1d "
        "dropout2d dropout3d elu embedding embedding_bag feature_alpha_dropout fold fractional_max_pool2d_with_indices "
        "fractional_max_pool3d_with_indices gaussian_nll_loss glu grid_sample group_norm grouped_mm gumbel_softmax "
        "hardsigmoid hardswish hardtanh hinge_embedding_loss huber_loss instance_norm interpolate kl_div l1_loss "
        "layer_norm leaky_relu linear_cross_entropy local_response_norm log_softmax lp_pool1d lp_pool2d lp_pool3d "
        "margin_ranking_loss max_pool1d_with_indices max_pool2d_with_indices max_pool3d_with_indices max_unpool1d "
        "max_unpool2d max_unpool3d mish mse_loss multi_head_attention_forward multi_margin_loss multilabel_margin_loss "
        "multilabel_soft_margin_loss nll_loss normalize pad poisson_nll_loss relu relu6 rms_norm rrelu "
        "scaled_grouped_mm scaled_mm selu sigmoid silu smooth_l1_loss soft_margin_loss softmax softmin softsign tanh "
        "tanhshrink triplet_margin_loss triplet_margin_with_distance_loss unfold upsample upsample_bilinear "
        "upsample_nearest"
    ),
    "torch.nn.init": (
        "calculate_gain constant_ dirac_ eye_ kaiming_normal_ kaiming_uniform_ normal_ ones_ orthogonal_ sparse_ "
        "trunc_normal_ uniform_ xavier_normal_ xavier_uniform_ zeros_"
    ),
    "torch.optim.lr_scheduler": "CyclicLR._triangular2_scale_fn CyclicLR._triangular_scale_fn",
    "torch.optim.swa_utils": "SWALR._cosine_anneal SWALR._linear_anneal",
    "torch.utils.data._utils.collate": "default_collate default_convert",
}

# The same, of earlier releases.
EARLIER_VALUES: dict[str, str] = {
    "sklearn.cluster.k_means_": "_kmeans_single_elkan _kmeans_single_lloyd k_means",
    "sklearn.decomposition.fastica_": "_cube _exp _logcosh fastica",
    "sklearn.feature_selection.mutual_info_": "mutual_info_classif mutual_info_regression",
    "sklearn.feature_selection.univariate_selection": "chi2 f_classif f_oneway f_regression",
    "sklearn.gaussian_process.correlation_models": (
        "absolute_exponential cubic generalized_exponential linear pure_nugget squared_exponential"
    ),
    "sklearn.gaussian_process.regression_models": "constant linear quadratic",
    "sklearn.metrics._classification": "jaccard_similarity_score",
    "sklearn.metrics.classification": (
        "accuracy_score balanced_accuracy_score brier_score_loss classification_report cohen_kappa_score "
        "confusion_matrix f1_score fbeta_score hamming_loss hinge_loss jaccard_score jaccard_similarity_score log_loss "
        "matthews_corrcoef multilabel_confusion_matrix precision_recall_fscore_support precision_score recall_score "
        "zero_one_loss"
    ),
    "sklearn.metrics.cluster._unsupervised": "calinski_harabaz_score",
    "sklearn.metrics.cluster.bicluster": "consensus_score",
    "sklearn.metrics.cluster.supervised": (
        "adjusted_mutual_info_score adjusted_rand_score check_clusterings comb2 completeness_score contingency_matrix "
        "entropy fowlkes_mallows_score homogeneity_completeness_v_measure homogeneity_score mutual_info_score "
        "normalized_mutual_info_score v_measure_score"
    ),
    "sklearn.metrics.cluster.unsupervised": (
        "calinski_harabasz_score calinski_harabaz_score check_number_of_labels davies_bouldin_score silhouette_samples "
        "silhouette_score"
    ),
    "sklearn.metrics.ranking": (
        "auc average_precision_score coverage_error label_ranking_average_precision_score label_ranking_loss "
        "precision_recall_curve roc_auc_score roc_curve"
    ),
    "sklearn.metrics.regression": (
        "explained_variance_score max_error mean_absolute_error mean_squared_error mean_squared_log_error "
        "median_absolute_error r2_score"
    ),
    "sklearn.neural_network._base": "identity logistic relu softmax tanh",
    "sklearn.preprocessing.data": (
        "add_dummy_feature binarize maxabs_scale minmax_scale normalize power_transform quantile_transform "
        "robust_scale scale"
    ),
    "sklearn.preprocessing.label": "label_binarize",
}
