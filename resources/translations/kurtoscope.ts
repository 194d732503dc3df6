<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" sourcelanguage="en">
<context>
    <name>AttentionMap</name>
    <message>
        <source>first token</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>separators</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>punctuation</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>type a text, or leave this empty for the data&apos;s first window…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Run this text and show its attention (Enter)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Heads by their share of attention on the sink</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>token × token</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>layer × head</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Picture</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>token × token: where each token of the chosen layer and head looks.
layer × head: the sink&apos;s share in every layer and head.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Sink</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Share of attention = mean over queries of Σ p(key) over the sink&apos;s keys; the first query is left out.
first token: [CLS] or whatever the text begins with.
separators: [SEP], &lt;/s&gt; and the like.
punctuation: . , ; : ! ? and line ends.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>query</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Attention</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>token × token of one layer and head</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open a model, then type a text to see where its attention goes.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Attention appears here as soon as the text has run through the model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>every layer and head · share on the %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>layer %1, %2 · rows look at columns</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>mean of heads</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>head %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source> · FP32 · log colour</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source> · reading layer %1…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Head %1 of layer %2 gives %3 of its attention to the %4; looking at all alike would give %5.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>mean</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>All heads of layer %1 together</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>On the %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>layer %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Looking at all tokens alike would give %1.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source> The first %1 tokens; %2 left out.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>head</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Share of attention on the sink, layer by head</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Attention, query token by key token</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>share of attention, log</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>attention, log</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>layer %1, head %2: %3 on the %4</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>“%1” (%2) cannot look ahead at “%3” (%4)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>“%1” (%2) looks at “%3” (%4): %5</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>BlockPlan</name>
    <message>
        <source>attention</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>feed-forward</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ChannelFigures</name>
    <message>
        <source>ratio to the median channel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This channel&apos;s absmax / the median channel&apos;s absmax (%1) at this site.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>mean ± σ</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Mean and standard deviation of this channel over %1 tokens.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>channel kurtosis (Gaussian 3)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>site kurtosis (Gaussian 3)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>
Over all values of the site.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>share of the site&apos;s energy</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Σ x² of this channel / Σ x² of all channels. An even share would be %1.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>energy in the top 1 %</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>tokens with |x| ≥ %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Share of tokens in which this channel reaches LLM.int8&apos;s magnitude bar.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>NaN or ∞ at this site</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Counted and left out of every other figure.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>token %1 “%2”
%3 in channel %4</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ChannelList</name>
    <message>
        <source>Write numbers and ranges, like 507, 247, 17-20</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>the site has channels 0 to %1, got %2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>a channel or a range was expected</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>a range goes from the smaller to the larger</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ChannelMap</name>
    <message>
        <source>Layer by channel heat map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Quantity</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>layers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Places</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Rows</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>layers: the chosen Place in every layer.
Places: every Place of the chosen layer; where one is narrower, the rest is hatched.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>layer %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Channel map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>layer × channel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open a model to see its channels: a folder with config.json, or a GGUF file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 is open. Its channels appear as soon as text has run through it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>FP32 rounds nothing. Make another column the active one to see its errors.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Measuring what %1 rounds away, channel by channel…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 was not observed in this model. Choose another Place in the model map.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>channel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>error / signal</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>, log</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Place by channel heat map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>FP32</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>error of %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>error of an earlier choice, measuring again…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>log colour</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>first token left out</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>window %1 of %2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>click keeps, drag keeps a block, wheel zooms, middle drag pans</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source> · kept</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source> · meets the criterion</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>exact</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 (%2 dB)</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ChannelPanel</name>
    <message>
        <source>Histogram of the channel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The channel along depth</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Values along the text</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Statistics of the channel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Dominating tokens</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Channel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open a model, then choose a channel.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Channel %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 · the other %2 in grey</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Click a channel on the map to see its values, its statistics and the tokens that drive it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A channel can be chosen as soon as text has run through the model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Along the text</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>|x| of channel %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>|x| of channel %1 · tokens %2–%3 of %4</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Along the depth</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>channel %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>median channel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source> in %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reading the values of %1…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>no one grid of %1 for these values</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>1 value beyond, at %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 values beyond, up to %2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>every %1 token counted</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>tick: one of the %1 levels of %2 falls here</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>ticks: %1 of the %2 levels of %3 fall here</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>ticks: the %1 levels of %2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>ticks: every %1 of the %2 levels of %3</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>|x| reaches %1 in channel %2 at this token: one of the largest of the site. A click selects the channel.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What is shown of the channel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Clipping</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tokens</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Figures</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Depth</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>absmax of channel %1; the median channel in grey</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>“%1” · window %2, at %3</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>largest |x| · of the site, and its channel</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Compare</name>
    <message>
        <source>Recipes side by side</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Compare</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>difference to FP32 in colour only beyond twice its error · click a column to make it active</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add a recipe to compare it with FP32.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open a model to compare recipes.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The table is on the clipboard, tab-separated.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Make active	Enter</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Duplicate	D</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Remove	Del</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Move left	Alt+Left</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Move right	Alt+Right</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Pin as reference</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy kept channels to</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy table as text	Ctrl+C</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>DepthCurves</name>
    <message>
        <source>Statistic by layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Statistic</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>recipes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Places</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Lines</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>recipes: one line per recipe at the chosen Place.
Places: several Places under FP32, or for SQNR under the active recipe.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Which Places have a line; the chosen one always has</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>FP32</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Depth</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>, log</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>, dB</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open a model to see how its outliers grow with depth.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The curves appear as soon as text has run through the model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 was not observed. Choose another Place in the model map.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 exists once, not in every layer. Choose another Place, or show Places.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>FP32 rounds nothing. Add a recipe to see its signal to noise.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Measuring what rounding does at every site…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No recipe rounds %1. Choose another Place in the model map.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source> dB</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Figures</name>
    <message>
        <source>Kurtosis, Pearson&apos;s: E[(x − μ)⁴] / E[(x − μ)²]².
How heavy the tails are; a Gaussian has 3, rare huge values drive it up.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Energy in the top 1 %: Σ x² of the 1 % of channels with most energy / Σ x² of all channels.
Evenly spread energy would give 1 %.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Max / median: the largest channel&apos;s absmax over the median channel&apos;s absmax.
A per-tensor 8-bit range leaves the median channel about 255 / ratio levels.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>absmax: the largest |x| of a channel over all tokens seen.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>History</name>
    <message>
        <source>Messages and history</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>everything</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>warnings and errors</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Lines</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>everything: what ran, and how long.
warnings and errors: what you should know.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>History</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>what ran, how long, and what to know · newest first</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No warnings and no errors so far.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Nothing has run yet. Open a model to begin.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ModelMap</name>
    <message>
        <source>Places of the layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Layers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Model map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open a model to see its layers.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>layer %1 · kurtosis</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Layer %1 as it computes: the thick line is the residual stream, ⊕ adds a branch to it, and each dot is a tensor with its kurtosis.
A dot grows and darkens with kurtosis and with max / median; the stream takes the colour of the tensor that flows in it.
</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 · channels and kurtosis</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Each layer&apos;s channels from first to last as a skyline of their absmax, log: an outlier is a spike.
The line under it and the figure: kurtosis, log.
</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>: </source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>
%1 channels · kurtosis %2 (Gaussian 3) · max / median %3 · energy in the top 1 %: %4</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>
not observed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source> · %1 channels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>: kurtosis %1, absmax %2
</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>not observed</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>QObject</name>
    <message>
        <source>
rms: √(Σ x² / tokens).
</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>
std: √variance over tokens.
energy share: Σ x² of the channel / Σ x² of the site.
error: Σ (x − x&apos;)² / Σ x² of the channel under the active recipe&apos;s rounding here alone; 1 means that the channel is lost.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>∞-norm: the largest |x| of the site, over all tokens and channels.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>SQNR = 10 log₁₀(Σ x² / Σ (x − x&apos;)²) of the site&apos;s values x and what the recipe&apos;s rounding there makes of them, the model around it in float32, dB.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>SensitivityView</name>
    <message>
        <source>Measure sensitivity, or stop</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Rounds every site of the active recipe alone, then all but it, over one window of the data:
two runs for each site. It waits for whatever else runs and goes on after it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Sites measured</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>only this rounded · bright: it does harm by itself</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>all but this rounded · dark: without it the harm is gone</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Divergence from FP32 with only this site rounded: large where a site alone does harm.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Divergence from FP32 with everything rounded but this site: small where leaving it whole would help.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Layer by Place, %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Sensitivity</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>which sites the loss comes from · layer × Place</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open a model to see which sites a recipe&apos;s loss comes from.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Sensitivity can be measured as soon as text has run through the model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stop</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Measure</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Go on</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Measure %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>FP32 rounds nothing: make another column the active one</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>two runs for each site, in the background</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>estimating on calibration text…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 sites</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 of %2 sites, the most costly first</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>everything rounded: %1 %2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>of an earlier choice: measure again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>once</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>, log</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>
only this rounded: %1 %3
all but this: %2 %3</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>
not measured yet</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>
estimate: its readers&apos; outputs at %1 dB</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1
not rounded by this recipe</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>StatusText</name>
    <message>
        <source>No model is open</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1, not observed yet</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1: absmax %2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1, channel %2: absmax %3</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>, %1 × the median channel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source> · kept</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 keeps no channel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>no channel kept at %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>kept at this Place in all layers: %1</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>TextView</name>
    <message>
        <source>type a text, or leave this empty for the data&apos;s first window…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Run this text under FP32 and under the active recipe (Enter)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Next worst token</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Selects the token with the largest divergence, then the next, and so on (N)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tokens, underlined by their divergence</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What FP32 and the recipe would say</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Signal to noise behind each layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Go to the layer where the token&apos;s error jumps</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Selects the layer behind which this token&apos;s error jumps: where its SQNR falls by 6 dB or more, else where it falls most</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>behind layer %1: %2 dB</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Text</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>what the recipe does to each token</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open a model, then type a text to see which of its tokens a recipe spoils.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>token %1 “%2”: %3 %4
%5</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>1 − cosine of the token&apos;s final hidden state, FP32 against the recipe.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>KL = Σ p ln(p / q) of what FP32 (p) and the recipe (q) put in this token&apos;s place.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>KL = Σ p ln(p / q) of what FP32 (p) and the recipe (q) say comes after this token.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reading the text under FP32 and %1…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The text is read as soon as the model has run.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>mean %1 %2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>KL of the classes %1 nats</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>cosine of the embeddings %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>FP32 differs from itself nowhere: make another column the active one</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>of an earlier choice; reading again…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 more tokens left out</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 against FP32 · underlined by %2, the worst %3 · arrows and click choose</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>After “%1”</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>the likeliest next tokens · %1 %2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>In place of “%1”</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>the likeliest tokens · %1 %2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Classes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>of the whole text</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>“%1”</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 %2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>recipe</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Where it goes wrong</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>SQNR of “%1” behind each layer, dB</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>SQNR = 10 log₁₀(Σ x² / Σ (x − x&apos;)²) of what leaves each layer at this token: x under FP32, x&apos; under the recipe. 10 dB less is ten times the error energy.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>SQNR</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Go to layer %1, where the error jumps</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Go to layer %1, where it falls most</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>token %1 “%2”: %3 %4</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>TokenMap</name>
    <message>
        <source>type a text…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Run this text through the model and show |x| of every token and channel at the chosen site (Enter)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Token by channel heat map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Token by channel as bars in space</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>3-D bars</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Picture</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>map: tokens × channels in log colour.
3-D bars: the same with |x| as height; drag turns, wheel stretches, a click picks the bar&apos;s channel.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Token map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>your own text · |x| of token × channel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open a model, then type a text to see its tokens × channels.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Type a text above and press Run: every token becomes a row, every channel a column.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 · |x| of token × channel · log colour</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>channel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>|x|, log</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>token %1 “%2”, channel %3: %4 at %5</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>TradeOff</name>
    <message>
        <source>kept channels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>kept channels, log</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>bits per weight</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>effective bits per weight</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>latency</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>latency p50, ms</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Score by cost</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Cost</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>kept channels: input channels left in high precision.
bits per weight: effective, scales and kept columns included.
latency: of one window, only where real arithmetic ran.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1: %2 %3 ± %4, %5 %6</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>kept</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Trade-off</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>score against %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 kept</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open a model to compare recipes.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>These recipes ran in simulation, whose latency says nothing of their own. Choose another cost.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Points appear when a quantized recipe has been measured.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 · %2 is better · line: none is better in both · rings were tried before</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>lower</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>higher</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>FP32 %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>tried before, click to open: %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1, %2 kept</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>WhereTheTimeGoes</name>
    <message>
        <source>Latency by phase</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Where the time goes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>one window&apos;s pass, by what it is spent on · simulated integers run in float32</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open a model to see where its time goes.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Bars appear when a recipe&apos;s latency has been measured.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>kurtoscope::Autosave</name>
    <message>
        <source>This session is not autosaved: %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Save it by hand (Ctrl+S) where there is room; autosaving goes on when it can</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>the folder for it cannot be written</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>kurtoscope::BarTile</name>
    <message>
        <source>token</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>tallest %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source> · a bar is the largest of %1 × %2</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>kurtoscope::BlockDiagram</name>
    <message>
        <source>layer %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>layers %1 – %2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>norm</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>kurtoscope::ClippingPanel</name>
    <message>
        <source>Clipping and rounding error by range</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>±%1%2: %3 clipped · clipping %4 + rounding %5 → %6 dB · best ±%7: %8 dB</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source> (the recipe&apos;s)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Mean squared error of all values of the site on %1 even levels between −c and c, by c.
clipping: of values beyond c. rounding: of those inside, about step² / 12.
Kept channels are left out. Arrows move the line, Home takes it back.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>clipping</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>rounding</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>both</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>range ±c, log</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>weighing %1 values…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Clipping or rounding</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>drag the line · %1 levels</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>kurtoscope::ComparedBars</name>
    <message>
        <source>%1: FP32 %2, %3 %4</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>“%1”
FP32: %2
%3: %4</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>kurtoscope::ComparisonModel</name>
    <message>
        <source>score</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The task&apos;s score ± its standard error over the windows done so far.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>difference to %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Score − the pinned column&apos;s score over the same windows ± its standard error, paired by window.
In colour only beyond twice that error.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>difference to FP32</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Score − FP32&apos;s score over the same windows ± its standard error, paired by window.
In colour only beyond twice that error.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>perplexity</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>exp(mean −ln p(next token)); lower is better.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Pearson</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Pearson&apos;s correlation with the labels, 1 is best.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>kept channels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Input channels left in high precision, of all inputs of the linear layers but the output head.
Each costs a column of weights, so a site counts once for every layer that reads it:
a channel kept at attn_input counts three times (query, key, value) and is one mark on the map.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>KL mean / p99 (nats)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Σ p ln(p / q) between FP32&apos;s output distribution p and this recipe&apos;s q, per token.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>top-1 agreement</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Share of tokens whose likeliest output is the same as FP32&apos;s.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>cosine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Mean cosine between the final hidden states, this recipe against FP32; 1 is equal.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>SQNR</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>10 log₁₀(Σ x² / Σ (x − x̂)²) of the final hidden state in dB; ∞ when identical.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>latency p50 / p99 (ms)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>One window&apos;s forward pass, measured alone. Simulated arithmetic is never a speed-up.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>weight memory</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>All parameters as the recipe would store them; 1 MB = 10⁶ bytes.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>bits per weight</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Effective bits per weight of the linear layers, scales and kept columns included.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>arithmetic</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>integer: real low-precision arithmetic ran. simulated: quantize and dequantize in
floating point. float: not quantized.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>not measured yet</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>from the file, outdated</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>of an earlier choice</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>from the file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>window %1 of %2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>1 window</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 windows</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>
line: the score as windows came in, from %1 to %2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>
active: a click on the map changes its kept channels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>
click: make it active</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>
pinned: differences are against it</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>kurtoscope::CurvePlot</name>
    <message>
        <source>log</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>kurtoscope::EditRecipeDialog</name>
    <message>
        <source>%1 channels stay kept</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 sites stay in high precision</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 sites keep bits of their own</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Recipe of %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Recipe as text</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>scheme[:key=value,…][+scheme…], or a recipe file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Change</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>As text</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>kurtoscope::EmergenceMap</name>
    <message>
        <source>Checkpoint by channel heat map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What is drawn</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A linear input&apos;s channels, or a figure of every linear input</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Emergence</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>channels that stand out, checkpoint by checkpoint</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>kurtosis of every input</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>max / median of every input</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>step</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>channel of %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>mean |x|, log</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>kurtosis, log</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>max / median, log</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1, %2 windows of held-out text · dashed: over %3 × the input&apos;s mean |x|</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>At step %1 no channel stands out; the largest is %2 × its input&apos;s median channel.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>At step %1 no channel stands out any more; the first did at step %2, in %3.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>1 outlier channel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 outlier channels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 at step %2, the first at step %3 in %4. %5 where arXiv 2404.03605 finds most: the first layer&apos;s attn_context, the others&apos; attn_input.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>None is</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>One is</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 are</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>step %1, channel %2: mean |x| %3%4</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>, an outlier</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>step %1, %2
kurtosis %3, max / median %4
%5 outlier channels</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>kurtoscope::ExportDialog</name>
    <message>
        <source>Export %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Format</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Modules and where they land</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Module</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Group</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Treatment</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Kept</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A folder that does not exist yet</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Replace an earlier export there</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Progress</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Format</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>F&amp;older</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1. For: %2.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Looking at what this target can carry …</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Cannot carry %1: the export is refused.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Cannot carry %1. Instead: %2.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Expected difference: %1.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Size: about %1.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Left in floating point: %1.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>none</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Written to %1: %2 files, %3.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source> Read again, it answers as the recipe does, bit for bit.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source> Read again, its answers differ by %1 of their size.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source> To prove it in the software it is for: kurtoscope verify %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Name the folder to make</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stop</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Close</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stopped. Nothing was written.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>kurtoscope::HeaderBar</name>
    <message>
        <source> · %1 s left</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source> · %1 min left</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source> · %1 h left</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Progress</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stop</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Undo</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Redo</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Keep outliers…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Keep all channels that meet a criterion in high precision, in the active recipe</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open another text or data file (Ctrl+D)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Where the model runs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open a model…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open another model (Ctrl+O)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open data…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Data</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Device</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Undo: %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source> (Ctrl+Z)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Redo: %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source> (Ctrl+Shift+Z)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stop what is being computed (Ctrl+.)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Write the active recipe, or the model under it, as other software loads it (Ctrl+E)</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>kurtoscope::HistogramPlot</name>
    <message>
        <source>values, log</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>clipping at ±%1</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>kurtoscope::HistoryModel</name>
    <message>
        <source>%1 (stopped)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Warning: %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Error: %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>when</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>what</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>took</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>kurtoscope::KeepListDialog</name>
    <message>
        <source>Keep a list of channels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Channels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Channels 0 to %1 of %2, in numbers and ranges</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>at this site only</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>at %1 in all layers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>wherever the residual stream&apos;s channel is quantized, in all layers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The channels of %1 are not those of the residual stream</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Keep</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Release</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The active column does not quantize this, so there is nothing to keep</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>1 channel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 channels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source> at 1 site</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source> at %1 sites</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>, %1 of these kept already</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>kurtoscope::KeepOutliersDialog</name>
    <message>
        <source>Keep outliers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Criterion</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Value of the criterion</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Value of the criterion, from all to none</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>only %1, in all layers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>all linear inputs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Keep</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Where</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source> Values are counted from %1 while the model is observed; for another magnitude write keep=magnitude:M into the column&apos;s recipe.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>1 channel meets this</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 channels meet this</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Keep 1 channel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Keep %1 channels</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>kurtoscope::KnownModelsTable</name>
    <message>
        <source>%1 · %2 × %3</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>From</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Layers × channels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Parameters</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stored as</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>On disk</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>kurtoscope::MainWindow</name>
    <message>
        <source>? shortcuts</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;File</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Open model…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open model &amp;folder…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open &amp;GGUF file…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Models at hand</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Recent</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Locate model…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open s&amp;ession…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Save session</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Save session &amp;as…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>E&amp;xport recipe as JSON…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Report…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Save s&amp;creenshot…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Quit</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model %1 is not at %2 any more</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>its place</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The session&apos;s columns and numbers are shown as they were saved. Point at the model to go on</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Locate model…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>autosaved</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>autosaves in a moment</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A copy that survives a crash is kept in %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>None found</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Looking…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Last session, never saved</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Sessions</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Texts and tables</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Nothing yet</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Forget these</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open a model folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open a GGUF file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>GGUF models (*.gguf)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open data</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Text and tables (*.txt *.md *.tsv *.csv);;All files (*)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open a session</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Sessions (%1);;All files (*)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Save the session</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Sessions (%1)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Locate the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Is the model a folder or a GGUF file?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Folder…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>GGUF file…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Locate the model&apos;s folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Locate the model&apos;s file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Save a screenshot</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Pictures (*.png)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The screenshot was not written: %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose another place</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export the recipe of %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Recipes (*.json)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Write a report</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Web page (*.html);;PDF (*.pdf)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The report is written to %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A session of %1 was not closed properly</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Its autosave of %1 is newer than what was saved</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Recover</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Unsaved changes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Save the changes to %1?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Edit</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Undo</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Redo</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Keep or release the selected channel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Keep &amp;outliers…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Keep a &amp;list of channels…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Clear kept channels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy &amp;table as</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The table is on the clipboard</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Markdown</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;LaTeX</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy table as Markdown</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy table as LaTeX</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Stop</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Run again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Data</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Open data…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Task</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Columns</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Add</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Duplicate</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Edit recipe…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Re&amp;name…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Remove</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Move &amp;left</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Move ri&amp;ght</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Pin as reference</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Differences are shown against this column instead of FP32</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Copy kept channels to</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ne&amp;xt column</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Previous column</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;View</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ne&amp;xt view</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Pre&amp;vious view</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Leave out each window&apos;s &amp;first token</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Theme</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Light</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Dark</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>As the &amp;system</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Projector (large type)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Full screen</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Reset layout</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Help</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Shortcuts</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Tour</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;About Kurtoscope</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Picked by model and file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The task that fits both best</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no other column</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Rename</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Name of the column</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Which tensor</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model, layer by layer. Click a Place to see its channels; a hot colour means that few channels are far larger than the others.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Where the outliers live</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Every layer and channel of the chosen Place. A bright line down the map is an outlier channel. Click it to keep it in high precision, and click again to let it go.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What one channel does</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The selected channel against all others, along the text and through the model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What it is worth</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>One column for each way to quantize, FP32 at the left. Colour appears only where a difference exceeds twice its error. Columns ▸ Edit recipe… changes one; Columns ▸ Add begins another.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Keep outliers, undo, save</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Keep outliers… keeps all that a criterion marks. Everything can be undone, and File ▸ Save session keeps it for the next lecture. Press ? for the shortcuts.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>About Kurtoscope</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&lt;b&gt;Kurtoscope %1&lt;/b&gt;&lt;p&gt;Shows where a transformer&apos;s activation outliers live, and what keeping some channels in high precision is worth.&lt;p&gt;Qt %2%3&lt;p&gt;GPL-3.0-or-later</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 · %2 × %3 · stored %4</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 layers × %2 channels, %3 parameters, stored as %4</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open a model…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>a folder with config.json, or a GGUF file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open data…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No data</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Expor&amp;t…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Training r&amp;uns…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>
Nearest recipe: %1</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>kurtoscope::MessageBar</name>
    <message>
        <source>Dismiss (Esc)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Dismiss</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Do what the message offers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Message</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>kurtoscope::MigrationPlot</name>
    <message>
        <source>4-bit weight error</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>RTN-4 error of weights, relative</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>weight kurtosis</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>largest kurtosis of weights</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Activation kurtosis against the weights, a point for each checkpoint</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Activation kurtosis by step</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The weights&apos; figure by step</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Figure of the weights</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>4-bit weight error: ‖RTN₄(W) − W‖² / ‖W‖², by output channel, mean over the linear layers.
weight kurtosis: Pearson&apos;s, the largest of all of them.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Migration</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>whether difficulty moves from activations into weights</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>step %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>largest kurtosis of a linear input</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>step</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 %2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Correlation over checkpoints: %1. Below 0, weights grow hard as activations grow easy.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1, step %2
largest kurtosis of a linear input %3
4-bit weight error %4
largest weight kurtosis %5</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>kurtoscope::OpenDialog</name>
    <message>
        <source>less than a second</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 min</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 hours</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open a model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Filter by name, origin or precision</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Filter</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Models at hand</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Folder…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A Hugging Face folder with config.json and safetensors</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;GGUF file…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A file as llama.cpp uses it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Open</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Looking for models…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No model is at hand. Point at a folder or a GGUF file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No model at hand matches. Point at a folder or a GGUF file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose a model, or point at a folder or a GGUF file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Takes about %1 of memory%2, %3 to the first picture and %4 to the figures of %5 columns.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source> (%1 are free)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It may not fit: close other programs, or choose a smaller model. </source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reckoned from sizes and from how fast this machine ran before.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reckoned from sizes; times are a guess until a model has run here.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>pointed at</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Point at a model folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Point at a GGUF file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>GGUF models (*.gguf)</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>kurtoscope::RecipeForm</name>
    <message>
        <source>Scheme</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Further scheme</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>together with</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Leave it out</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Leave %1 out</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Combine with…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Another scheme</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Schemes work together, in this order</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Scope</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What is quantized: the inputs of linear layers, which integer arithmetic needs, or every activation</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>as the data says</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Calibration windows</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Text that static ranges and criteria are taken from</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Calibration windows drawn by seed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>in order</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Drawn by seed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Which of the windows to spare; in order: those after the evaluated ones</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Keep outliers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>chosen by hand</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>automatic</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Value of the criterion</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>kurtoscope::Session</name>
    <message>
        <source>%1 keeps everything already: make another column the active one</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 does not quantize %2, so there is nothing to keep</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>channel %1 of %2</source>
        <translation type="unfinished"></translation>
    </message>
    <message numerus="yes">
        <source>%n channels of %1</source>
        <translation type="unfinished">
            <numerusform></numerusform>
        </translation>
    </message>
    <message>
        <source>The active column does not quantize these sites, so there is nothing to keep</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>releasing every channel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>keeping outliers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There are %1 columns, as many as stand side by side: remove one first</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>adding %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 copy</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>duplicating %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The first column is what the others are compared with: it stays</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>removing %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>renaming to %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>changing %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The first column is what the others are compared with: it stays at the left</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>moving %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>comparing with %1 again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>comparing with %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 keeps everything already</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 keeps no channel that could be copied</source>
        <translation type="unfinished"></translation>
    </message>
    <message numerus="yes">
        <source>%n channels were left out: %1 does not quantize their sites</source>
        <translation type="unfinished">
            <numerusform></numerusform>
        </translation>
    </message>
    <message>
        <source>keeping in %1 what %2 keeps</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>keeping a list of channels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>releasing a list of channels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>FP32 rounds nothing: choose the column whose sensitivity you want</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 values are NaN or infinite, first at %2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>They are counted and left out of every statistic</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Calibration sees at most %1 tokens</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Static ranges from so few may miss outliers: give more windows or longer ones</source>
        <translation type="unfinished"></translation>
    </message>
    <message numerus="yes">
        <source>%1 clips more than 1 % of the values at %n sites, most at %2: %3</source>
        <translation type="unfinished">
            <numerusform></numerusform>
        </translation>
    </message>
    <message>
        <source>Calibrate on more text, or choose a wider range</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>with another model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>over other data</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>by version %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>with another seed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>on another machine (%1)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The numbers in the session file were taken %1, so they are measured again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Until then they are shown in grey</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stopped. F5 runs again what is missing</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Opening the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reading the data</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Observing</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Observing %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Finding channels for %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Running your text</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reading %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Evaluating %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reading the text under %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reading attention of layer %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Measuring the errors of %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Sensitivity of %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Exporting</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Looking at the export</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Looking at a training run&apos;s checkpoints</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>kurtoscope::SessionFile</name>
    <message>
        <source>The session was not saved: %1</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>kurtoscope::ShortcutSheet</name>
    <message>
        <source>Shortcuts</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Maps</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Click</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>keep or release a channel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Drag</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>keep a block of channels and layers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Wheel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>zoom at the pointer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Arrow keys</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>move to the next channel or layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Space</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>keep or release the selected channel</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>kurtoscope::TextEntry</name>
    <message>
        <source>Text to run through the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Run</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>kurtoscope::Tour</name>
    <message>
        <source>Tour</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Skip</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Back</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 of %2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Done</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Next</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>kurtoscope::TrainingWindow</name>
    <message>
        <source>%1 s left</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 min left</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1: no step yet</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1: step %2 of %3, loss %4</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>, ended</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>, %1 tokens/s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1, step %2: %3</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Training runs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What is drawn</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Add a run…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A folder that `kurtoscope train --out` writes, or one that holds several</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Remove</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Takes the chosen run off the picture; its folder stays</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The chosen figure by step</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Run whose checkpoints the slider goes through</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Checkpoint</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Open this checkpoint</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1, step %2: %3 %4</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A training run</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 runs are shown already</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Remove one first</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>step</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add a folder that `kurtoscope train --out` writes: its curves grow while it trains.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>step %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>no checkpoint</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Curves</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Emergence</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Migration</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add a run to see channels that stand out emerge while it trains.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Outlier channels are looked at over text, and this run was trained on a table: open its checkpoints one by one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This run&apos;s checkpoints could not be looked at.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This run has no checkpoint yet.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Looking at the checkpoints…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>kurtosis</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The largest kurtosis of a linear input, over the values of a step&apos;s batch</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>max / median</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The largest channel&apos;s mean magnitude over the median channel&apos;s, of the worst linear input</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>loss</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Of each step&apos;s batch, penalties left out, nats per prediction</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>validation loss</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Over the text that is held out, nats per prediction</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>penalty</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>λ times the penalties, as added to the loss</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>clipping value</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The largest learned clipping value of a linear input</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>clipped share</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The largest share of values outside a site&apos;s learned clipping values</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>gradient norm</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Before it was clipped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>learning rate</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Warm-up, then a cosine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>tokens per second</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Since the record before</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>kurtoscope::View</name>
    <message>
        <source>&amp;Copy picture</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The picture of %1 is on the clipboard</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy &amp;numbers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The numbers of %1 are on the clipboard</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Save as &amp;PNG…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Save as &amp;SVG…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Save as P&amp;DF…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Save the numbers as CS&amp;V…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Save %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Saved %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Attention</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Where one layer and head looks, and how much of it falls on sinks.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Channel map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Layer by channel of one Place, or Place by channel of one layer: a click keeps a channel.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Channel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The chosen channel: histogram with the quantization grid, statistics, dominating tokens.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Compare</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Recipes side by side: score, divergence, latency, memory and which arithmetic ran.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Depth</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Kurtosis, energy, max / median, ∞-norm or SQNR by layer, one line per recipe or Place.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>History</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What ran and how long, warnings and errors.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Model map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>One layer as a drawing, every tensor a dot, and all layers: choose what the maps show.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Sensitivity</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Which sites a recipe&apos;s loss comes from: only this rounded, and all but this.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Text</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A text under FP32 and the active recipe: which tokens suffer, and behind which layer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Token map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A text of your own, token by channel at the chosen site.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Trade-off</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Each recipe&apos;s score over its kept channels, bits or latency, and those that none beats in both.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Time</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Each recipe&apos;s latency by what it is spent on: products, quantizing, attention.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>kurtoscope::ViewDocks</name>
    <message>
        <source>&amp;Float</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>C&amp;lose</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Views that stand behind each other</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>kurtoscope::ViewMenu</name>
    <message>
        <source>Copy or save this view: PNG, SVG, PDF, or its numbers as CSV</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy or save this view</source>
        <translation type="unfinished"></translation>
    </message>
</context>
</TS>
