using System.Text;
using AutoProg.Ort.Randomness;
using AutoProg.Ort.Recipes;

namespace AutoProg.Ort.Tests.Recipes;

public sealed class RecipeReaderTests
{
    private const string Smallest = """
        model:
          name: deit_micro
        data:
          dataset: builtin
        """;

    [Fact]
    public void The_smallest_recipe_takes_every_default()
    {
        var recipe = RecipeReader.Parse(Smallest, "run.yaml");

        Assert.Equivalent(new Recipe { Model = new() { Name = "deit_micro" }, Data = new() }, recipe, strict: true);
    }

    [Fact]
    public void Keys_of_every_kind_are_read()
    {
        var recipe = Parse("""
            seed: -7
            model: { name: deit_small, img-size: 224, drop_path: 0.2, initial_checkpoint: null }
            data:
              dataset: Image_Folder
              data_dir: "C:\\images # 1"
              mean: [0, .5, 1e-1]
            augmentation:
              aa: ~
            training:
              batch_size: 1_024
              clip_grad: 1.0
            ema:
              decays: []
            growth:
              policy: autoprog_one
              operator: rand-init
              recycle_weights: false
              depths: [6, 8, 10, 12]
            """);

        Assert.Equal(-7, recipe.Seed);
        Assert.Equal(224, recipe.Model.ImgSize);
        Assert.Equal(DatasetKind.ImageFolder, recipe.Data.Dataset);
        Assert.Equal(@"C:\images # 1", recipe.Data.DataDir);
        Assert.Equal([0, 0.5, 0.1], recipe.Data.Mean);
        Assert.Null(recipe.Augmentation.Aa);
        Assert.Equal(1024, recipe.Training.BatchSize);
        Assert.Equal(1.0, recipe.Training.ClipGrad);
        Assert.Empty(recipe.Ema.Decays);
        Assert.Equal(GrowthPolicyKind.AutoprogOne, recipe.Growth.Policy);
        Assert.Equal(GrowthOperatorKind.RandInit, recipe.Growth.Operator);
        Assert.False(recipe.Growth.RecycleWeights);
        Assert.Equal([6, 8, 10, 12], recipe.Growth.Depths);
    }

    [Fact]
    public void Everything_that_is_wrong_is_told_in_one_go()
    {
        var error = Refused("""
            modle:
              name: deit_small
            data:
              dataset: imagenet
              workers: 0
            trainin:
              epochs: 3
            training:
              epochs: many
              epochs: 4
              batch_sise: 8
              num_stages: 2
            growth: 4
            runtime:
              device: gpu
              no_such_thing_at_all: 1
            """);

        Assert.Equal(
            """
            run.yaml:1: modle: unknown key; did you mean 'model'?
            run.yaml:4: data.dataset = imagenet: expected one of builtin, builtin-plain, image-folder, cifar10, cifar100, idx
            run.yaml:5: data.workers = 0: expected a whole number from 1 to 256
            run.yaml:6: trainin: unknown key; did you mean 'training'?
            run.yaml:9: training.epochs = many: expected a whole number from 1 to 1000000
            run.yaml:10: training.epochs = 4: key appears twice, first at run.yaml:9; remove one
            run.yaml:11: training.batch_sise: unknown key; did you mean 'training.batch_size'?
            run.yaml:12: training.num_stages: unknown key; did you mean 'growth.num_stages'?
            run.yaml:13: growth = 4: expected a section with keys, e.g. policy
            run.yaml:15: runtime.device = gpu: expected cpu or cuda:N, e.g. cuda:0
            run.yaml:16: runtime.no_such_thing_at_all: unknown key; there are device, threads, memory_limit_mb, graphs_dir
            run.yaml: model.name: is missing; expected the name of a model, e.g. deit_small
            """,
            error.Message);
        Assert.Equal(12, error.Problems.Count);
    }

    [Theory]
    [InlineData("training: { epochs: 1.5 }", "training.epochs = 1.5: expected a whole number from 1 to 1000000")]
    [InlineData("training: { epochs: \"3\" }", "training.epochs = \"3\": expected a whole number from 1 to 1000000")]
    [InlineData("training: { epochs: 99999999999999999999 }", "training.epochs = 99999999999999999999: expected a whole number from 1 to 1000000")]
    [InlineData("training: { epochs: }", "training.epochs = : expected a whole number from 1 to 1000000")]
    [InlineData("optimizer: { lr: .nan }", "optimizer.lr = .nan: expected a number above 0")]
    [InlineData("optimizer: { lr: 1e999 }", "optimizer.lr = 1e999: expected a number above 0")]
    [InlineData("optimizer: { betas: [0.9] }", "optimizer.betas = [0.9]: expected a list of 2 numbers from 0 to below 1, e.g. [0.9, 0.999]")]
    [InlineData("optimizer: { betas: { a: 1 } }", "optimizer.betas = {a: 1}: expected a list of 2 numbers from 0 to below 1, e.g. [0.9, 0.999]")]
    [InlineData("growth: { recycle_weights: maybe }", "growth.recycle_weights = maybe: expected true or false")]
    [InlineData("growth: { operator: magic }", "growth.operator = magic: expected one of rand-init, stacking, interpolation, identity, mogrow")]
    [InlineData("name: ../../etc", "name = ../../etc: expected a name of up to 64 letters, digits, '.', '_' and '-'")]
    [InlineData("augmentation: { aa: v0 }", "augmentation.aa = v0: expected a RandAugment policy, e.g. rand-m9-mstd0.5-inc1, or null")]
    [InlineData("ema: { decays: [0.9, 1.0] }", "ema.decays = [0.9, 1.0]: expected a list of numbers between 0 and 1, both excluded, e.g. [0.998, 0.9996]")]
    public void A_wrong_value_is_told_with_what_was_expected(string line, string expected)
    {
        var error = Refused(line + "\n" + Smallest);

        Assert.Equal("run.yaml:1: " + expected, error.Message);
    }

    [Fact]
    public void A_section_that_appears_twice_names_the_first()
    {
        var error = Refused(Smallest + "\nmodel:\n  depth: 4\n");

        Assert.Equal("run.yaml:5: model: section appears twice, first in line 1; join the two", error.Message);
    }

    [Fact]
    public void Overrides_win_over_the_file_and_over_earlier_ones()
    {
        var recipe = RecipeReader.Parse(
            Smallest + "\ntraining:\n  epochs: 9\n",
            "run.yaml",
            [
                RecipeOverride.FromSet("training.epochs=40"), RecipeOverride.FromSet("training.epochs = 30"), RecipeOverride.FromSet("growth.depths=[1, 2, 3, 4]"),
                RecipeOverride.FromSet("augmentation.aa=null"), RecipeOverride.FromSet("model.img-size=32"), RecipeOverride.FromOption("--seed", "seed", "3"),
            ]);

        Assert.Equal(30, recipe.Training.Epochs);
        Assert.Equal([1, 2, 3, 4], recipe.Growth.Depths);
        Assert.Null(recipe.Augmentation.Aa);
        Assert.Equal(32, recipe.Model.ImgSize);
        Assert.Equal(3, recipe.Seed);
    }

    [Fact]
    public void An_override_replaces_a_value_that_must_be_given()
    {
        var recipe = RecipeReader.Parse("data: { dataset: builtin }", "run.yaml", [RecipeOverride.FromSet("model.name=deit_tiny")]);

        Assert.Equal("deit_tiny", recipe.Model.Name);
    }

    [Theory]
    [InlineData("growth.num_stages=0", "--set growth.num_stages=0: growth.num_stages = 0: expected a whole number from 1 to 1000")]
    [InlineData("growth.num_stagse=2", "--set growth.num_stagse=2: growth.num_stagse: unknown key; did you mean 'growth.num_stages'?")]
    [InlineData("num_stages=2", "--set num_stages=2: num_stages: unknown key; did you mean 'growth.num_stages'?")]
    [InlineData("grwth.num_stages=2", "--set grwth.num_stages=2: grwth.num_stages: unknown key; did you mean 'growth.num_stages'?")]
    [InlineData("zzz.yyy=2", "--set zzz.yyy=2: zzz.yyy: unknown section; there are model, data, augmentation, training, optimizer, schedule, ema, diffusion, latents, sampling, growth, runtime, checkpoints")]
    [InlineData("growth=2", "--set growth=2: growth: is a section; set one of its keys, e.g. growth.policy=...")]
    [InlineData("training.epochs", "--set training.epochs: training.epochs: expected key=value, e.g. training.epochs=30")]
    [InlineData("growth.depths=[1, 2", "--set growth.depths=[1, 2: growth.depths = [1, 2: expected a list of block counts, e.g. [6, 8, 10, 12], or []")]
    public void A_wrong_override_is_told_like_a_wrong_line(string assignment, string expected)
    {
        var error = Assert.Throws<RecipeException>(() => RecipeReader.Parse(Smallest, "run.yaml", [RecipeOverride.FromSet(assignment)]));

        Assert.Equal(expected, error.Message);
    }

    [Theory]
    [InlineData("a: &x 1\nb: *x", "run.yaml:1: anchors (&) and aliases (*) are not part of recipes; write the value out")]
    [InlineData("b: *x", "run.yaml:1: anchors (&) and aliases (*) are not part of recipes; write the value out")]
    [InlineData("a: 1\nb: !!python/object 1", "run.yaml:2: tags (!) are not part of recipes; remove 'tag:yaml.org,2002:python/object'")]
    [InlineData("[[[[[[[[[[1]]]]]]]]]]", "run.yaml:1: nested more than 8 levels deep; recipes have sections and keys only")]
    [InlineData("- a\n- b", "run.yaml:1: expected keys with values, e.g. 'model:', found '[a, b]'")]
    [InlineData("model:\n  name: a\n---\nmodel:", "run.yaml:3: second YAML document; a recipe is one document")]
    [InlineData("? [a]\n: 1", "run.yaml:1: expected a key, found '[a]'")]
    public void What_recipes_do_not_need_of_yaml_is_refused(string text, string expected)
    {
        Assert.Equal(expected, Refused(text).Message);
    }

    [Fact]
    public void Broken_yaml_names_the_line()
    {
        Assert.StartsWith("run.yaml:3: not valid YAML: ", Refused("model:\n  name: [a\n").Message);
        Assert.StartsWith("run.yaml:1: not valid YAML: ", Refused("model:\n\tname: a\n").Message);
    }

    [Fact]
    public void An_empty_recipe_misses_what_must_be_given()
    {
        Assert.Equal(
            "run.yaml: model.name: is missing; expected the name of a model, e.g. deit_small\n"
            + "run.yaml: data.dataset: is missing; expected one of builtin, builtin-plain, image-folder, cifar10, cifar100, idx",
            Refused("# nothing\n").Message);
    }

    [Fact]
    public void Hostile_text_is_refused_quickly_and_never_echoed_in_full()
    {
        string[] texts =
        [
            new('[', 200_000), new('{', 200_000), string.Concat(Enumerable.Repeat("- ", 100_000)), string.Concat(Enumerable.Repeat("? ", 100_000)), new('x', 200_000),
            "name: " + new string('y', 200_000), string.Concat(Enumerable.Range(0, 20_000).Select(i => $"k{i}: 1\n")), new(' ', 300_000), "name: \"\\e[2J\"", "\0\u0001",
        ];
        foreach (var text in texts)
        {
            var error = Refused(text);

            Assert.True(error.Message.Length < 30_000, $"{text[..Math.Min(10, text.Length)]}: message of {error.Message.Length} characters");
            Assert.DoesNotContain('\u001b', error.Message);
        }
    }

    [Fact]
    public void A_mutated_recipe_is_read_or_refused_and_nothing_else()
    {
        const string pieces = "{}[]:,-?&*!|>'\"%@`#\n\t \\~0123456789abcxyz.\u0000\u0085\ufeff\ud800";
        var valid = RecipeWriter.Write(Parse(Smallest));
        var refused = 0;
        for (var round = 0; round < 5000; round++)
        {
            var random = new CounterRandom(2, RandomPurpose.Subset, index: round);
            var text = new StringBuilder(valid);
            for (var i = random.NextInt(6); i >= 0; i--)
            {
                var (at, piece) = (random.NextInt(text.Length), pieces[random.NextInt(pieces.Length)]);
                _ = random.NextInt(3) switch { 0 => text.Insert(at, piece), 1 => text.Remove(at, 1), _ => text.Replace(text[at], piece, at, 1) };
            }

            try
            {
                RecipeRules.ThrowIfInvalid(Parse(text.ToString()));
            }
            catch (RecipeException error)
            {
                Assert.All(error.Problems, problem => Assert.StartsWith("run.yaml", problem.Place));
                refused++;
            }
        }

        Assert.InRange(refused, 2500, 4999);
    }

    [Fact]
    public void A_model_file_is_relative_to_its_recipe_and_gives_the_model_its_name()
    {
        var folder = Directory.CreateTempSubdirectory("autoprog-").FullName;
        try
        {
            var path = Path.Combine(folder, "run.yaml");
            File.WriteAllText(path, "model: { onnx: models/net.v2.onnx }\ndata: { dataset: builtin }\n");

            var model = RecipeReader.Read(path).Model;
            Assert.Equal((Path.Combine(folder, "models", "net.v2.onnx"), "net.v2"), (model.Onnx, model.Name));

            // What the command line says is relative to where it is called.
            model = RecipeReader.Read(path, [RecipeOverride.FromSet("model.onnx=other.onnx")]).Model;
            Assert.Equal(("other.onnx", "other"), (model.Onnx, model.Name));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void A_missing_file_and_a_binary_file_are_named()
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, [0x50, 0x4b, 0x03, 0x04, 0xc0, 0x80]);
            var binary = Assert.Throws<RecipeException>(() => RecipeReader.Read(path));
            Assert.Equal($"{path}: the file is not UTF-8 text", binary.Message);
        }
        finally
        {
            File.Delete(path);
        }

        var missing = Assert.Throws<RecipeException>(() => RecipeReader.Read(path));
        Assert.Equal($"{path}: there is no such file", missing.Message);
    }

    private static Recipe Parse(string text) => RecipeReader.Parse(text, "run.yaml");

    private static RecipeException Refused(string text) => Assert.Throws<RecipeException>(() => Parse(text));
}
