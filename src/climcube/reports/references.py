"""The works that climcube's methods come from. What is not certain of one is left out."""

from __future__ import annotations

from types import MappingProxyType

from climcube.reports.citations import Reference

__all__ = ["REFERENCES"]


def _article(
    key: str, authors: str, title: str, within: str, volume: str, number: str, pages: str, doi: str
) -> Reference:
    return Reference(key, _names(authors), key[-4:], title, within, volume, number, pages, doi)


def _names(authors: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in authors.split(";"))


_WORKS = (
    _article(
        "benjamini1995", "Benjamini, Y.; Hochberg, Y.",
        "Controlling the false discovery rate: a practical and powerful approach to multiple "
        "testing", "Journal of the Royal Statistical Society: Series B", "57", "1", "289–300",
        "10.1111/j.2517-6161.1995.tb02031.x",
    ),
    _article(
        "burrows2011",
        "Burrows, M. T.; Schoeman, D. S.; Buckley, L. B.; Moore, P.; Poloczanska, E. S.; "
        "Brander, K. M.; Brown, C.; Bruno, J. F.; Duarte, C. M.; Halpern, B. S.; Holding, J.; "
        "Kappel, C. V.; Kiessling, W.; O'Connor, M. I.; Pandolfi, J. M.; Parmesan, C.; "
        "Schwing, F. B.; Sydeman, W. J.; Richardson, A. J.",
        "The pace of shifting climate in marine and terrestrial ecosystems", "Science", "334",
        "6056", "652–655", "10.1126/science.1210288",
    ),
    _article(
        "gutenbrunner1993", "Gutenbrunner, C.; Jurečková, J.; Koenker, R.; Portnoy, S.",
        "Tests of linear hypotheses based on regression rank scores",
        "Journal of Nonparametric Statistics", "2", "4", "307–331", "",
    ),
    _article(
        "hall1988", "Hall, P.; Sheather, S. J.", "On the distribution of a Studentized quantile",
        "Journal of the Royal Statistical Society: Series B", "50", "3", "381–391", "",
    ),
    _article(
        "hamed1998", "Hamed, K. H.; Rao, A. R.",
        "A modified Mann-Kendall trend test for autocorrelated data", "Journal of Hydrology",
        "204", "1–4", "182–196", "10.1016/S0022-1694(97)00125-X",
    ),
    _article(
        "hawkins2012", "Hawkins, E.; Sutton, R.", "Time of emergence of climate signals",
        "Geophysical Research Letters", "39", "1", "L01702", "10.1029/2011GL050087",
    ),
    _article(
        "hawkins2020",
        "Hawkins, E.; Frame, D.; Harrington, L.; Joshi, M.; King, A.; Rojas, M.; Sutton, R.",
        "Observed emergence of the climate change signal: from the familiar to the unknown",
        "Geophysical Research Letters", "47", "6", "e2019GL086259", "10.1029/2019GL086259",
    ),
    _article(
        "hirsch1982", "Hirsch, R. M.; Slack, J. R.; Smith, R. A.",
        "Techniques of trend analysis for monthly water quality data", "Water Resources Research",
        "18", "1", "107–121", "10.1029/WR018i001p00107",
    ),
    _article(
        "hobday2016",
        "Hobday, A. J.; Alexander, L. V.; Perkins, S. E.; Smale, D. A.; Straub, S. C.; "
        "Oliver, E. C. J.; Benthuysen, J. A.; Burrows, M. T.; Donat, M. G.; Feng, M.; "
        "Holbrook, N. J.; Moore, P. J.; Scannell, H. A.; Sen Gupta, A.; Wernberg, T.",
        "A hierarchical approach to defining marine heatwaves", "Progress in Oceanography", "141",
        "", "227–238", "10.1016/j.pocean.2015.12.014",
    ),
    _article(
        "hobday2018",
        "Hobday, A. J.; Oliver, E. C. J.; Sen Gupta, A.; Benthuysen, J. A.; Burrows, M. T.; "
        "Donat, M. G.; Holbrook, N. J.; Moore, P. J.; Thomsen, M. S.; Wernberg, T.; Smale, D. A.",
        "Categorizing and naming marine heatwaves", "Oceanography", "31", "2", "162–173",
        "10.5670/oceanog.2018.205",
    ),
    _article(
        "horn1981", "Horn, B. K. P.", "Hill shading and the reflectance map",
        "Proceedings of the IEEE", "69", "1", "14–47", "10.1109/PROC.1981.11918",
    ),
    _article(
        "hoyer2017", "Hoyer, S.; Hamman, J.", "xarray: N-D labeled arrays and datasets in Python",
        "Journal of Open Research Software", "5", "1", "10", "10.5334/jors.148",
    ),
    _article(
        "hyndman1996", "Hyndman, R. J.; Fan, Y.", "Sample quantiles in statistical packages",
        "The American Statistician", "50", "4", "361–365", "10.2307/2684934",
    ),
    _article(
        "kaschner2006", "Kaschner, K.; Watson, R.; Trites, A. W.; Pauly, D.",
        "Mapping world-wide distributions of marine mammal species using a relative environmental "
        "suitability (RES) model", "Marine Ecology Progress Series", "316", "", "285–310",
        "10.3354/meps316285",
    ),
    Reference(
        "kendall1975", ("Kendall, M. G.",), "1975", "Rank Correlation Methods",
        publisher="Charles Griffin, London", kind="book", note="4th edition",
    ),
    _article(
        "koenker1978", "Koenker, R.; Bassett, G.", "Regression quantiles", "Econometrica", "46",
        "1", "33–50", "10.2307/1913643",
    ),
    _article(
        "liu2014",
        "Liu, G.; Heron, S. F.; Eakin, C. M.; Muller-Karger, F. E.; Vega-Rodriguez, M.; "
        "Guild, L. S.; De La Cour, J. L.; Geiger, E. F.; Skirving, W. J.; Burgess, T. F. R.; "
        "Strong, A. E.; Harris, A.; Maturi, E.; Ignatov, A.; Sapper, J.; Li, J.; Lynds, S.",
        "Reef-scale thermal stress monitoring of coral ecosystems: new 5-km global products from "
        "NOAA Coral Reef Watch", "Remote Sensing", "6", "11", "11579–11606", "10.3390/rs61111579",
    ),
    _article(
        "loarie2009",
        "Loarie, S. R.; Duffy, P. B.; Hamilton, H.; Asner, G. P.; Field, C. B.; Ackerly, D. D.",
        "The velocity of climate change", "Nature", "462", "", "1052–1055", "10.1038/nature08649",
    ),
    _article(
        "mann1945", "Mann, H. B.", "Nonparametric tests against trend", "Econometrica", "13", "3",
        "245–259", "10.2307/1907187",
    ),
    _article(
        "mantua1997", "Mantua, N. J.; Hare, S. R.; Zhang, Y.; Wallace, J. M.; Francis, R. C.",
        "A Pacific interdecadal climate oscillation with impacts on salmon production",
        "Bulletin of the American Meteorological Society", "78", "6", "1069–1079",
        "10.1175/1520-0477(1997)078<1069:APICOW>2.0.CO;2",
    ),
    _article(
        "marriott1954", "Marriott, F. H. C.; Pope, J. A.",
        "Bias in the estimation of autocorrelations", "Biometrika", "41", "3–4", "390–402",
        "10.1093/biomet/41.3-4.390",
    ),
    _article(
        "pettitt1979", "Pettitt, A. N.", "A non-parametric approach to the change-point problem",
        "Journal of the Royal Statistical Society: Series C (Applied Statistics)", "28", "2",
        "126–135", "10.2307/2346729",
    ),
    Reference(
        "rocklin2015", ("Rocklin, M.",), "2015",
        "Dask: parallel computation with blocked algorithms and task scheduling",
        "Proceedings of the 14th Python in Science Conference", pages="126–132",
        kind="inproceedings",
    ),
    _article(
        "saji1999", "Saji, N. H.; Goswami, B. N.; Vinayachandran, P. N.; Yamagata, T.",
        "A dipole mode in the tropical Indian Ocean", "Nature", "401", "", "360–363",
        "10.1038/43854",
    ),
    _article(
        "santer2000",
        "Santer, B. D.; Wigley, T. M. L.; Boyle, J. S.; Gaffen, D. J.; Hnilo, J. J.; Nychka, D.; "
        "Parker, D. E.; Taylor, K. E.",
        "Statistical significance of trends and trend differences in layer-average atmospheric "
        "temperature time series", "Journal of Geophysical Research: Atmospheres", "105", "D6",
        "7337–7356", "10.1029/1999JD901105",
    ),
    _article(
        "saunders1976", "Saunders, P. M.; Fofonoff, N. P.",
        "Conversion of pressure to depth in the ocean", "Deep Sea Research", "23", "1", "109–111",
        "",
    ),
    Reference(
        "scannell2024", ("Scannell, H. A.",), "2024",
        "Spatiotemporal evolution of marine heatwaves globally",
        "Journal of Atmospheric and Oceanic Technology", doi="10.1175/JTECH-D-23-0126.1", more=True,
    ),
    _article(
        "sen1968", "Sen, P. K.", "Estimates of the regression coefficient based on Kendall's tau",
        "Journal of the American Statistical Association", "63", "324", "1379–1389",
        "10.1080/01621459.1968.10480934",
    ),
    _article(
        "skirving2020",
        "Skirving, W.; Marsh, B.; De La Cour, J.; Liu, G.; Harris, A.; Maturi, E.; Geiger, E.; "
        "Eakin, C. M.",
        "CoralTemp and the Coral Reef Watch coral bleaching heat stress product suite version 3.1",
        "Remote Sensing", "12", "23", "3856", "10.3390/rs12233856",
    ),
    Reference(
        "storch1995", ("von Storch, H.",), "1995",
        "Misuses of statistical analysis in climate research",
        "Analysis of Climate Variability (eds. H. von Storch and A. Navarra)", pages="11–26",
        publisher="Springer", kind="incollection",
    ),
    _article(
        "theil1950", "Theil, H.",
        "A rank-invariant method of linear and polynomial regression analysis, I–III",
        "Proceedings of the Koninklijke Nederlandse Akademie van Wetenschappen", "53", "",
        "386–392, 521–525, 1397–1412", "",
    ),
    _article(
        "trenberth1997", "Trenberth, K. E.", "The definition of El Niño",
        "Bulletin of the American Meteorological Society", "78", "12", "2771–2777",
        "10.1175/1520-0477(1997)078<2771:TDOENO>2.0.CO;2",
    ),
    _article(
        "welch1947", "Welch, B. L.",
        "The generalization of 'Student's' problem when several different population variances "
        "are involved", "Biometrika", "34", "1–2", "28–35", "10.1093/biomet/34.1-2.28",
    ),
    _article(
        "wilks2016", "Wilks, D. S.",
        "“The stippling shows statistically significant grid points”: how research results are "
        "routinely overstated and overinterpreted, and what to do about it",
        "Bulletin of the American Meteorological Society", "97", "12", "2263–2273",
        "10.1175/BAMS-D-15-00267.1",
    ),
    _article(
        "yue2002", "Yue, S.; Pilon, P.; Phinney, B.; Cavadias, G.",
        "The influence of autocorrelation on the ability to detect trend in hydrological series",
        "Hydrological Processes", "16", "9", "1807–1829", "10.1002/hyp.1095",
    ),
    _article(
        "yue2004", "Yue, S.; Wang, C.",
        "The Mann-Kendall test modified by effective sample size to detect trend in serially "
        "correlated hydrological series", "Water Resources Management", "18", "3", "201–218",
        "10.1023/B:WARM.0000043140.61082.60",
    ),
    _article(
        "zwiers1995", "Zwiers, F. W.; von Storch, H.",
        "Taking serial correlation into account in tests of the mean", "Journal of Climate", "8",
        "2", "336–351", "10.1175/1520-0442(1995)008<0336:TSCIAI>2.0.CO;2",
    ),
)  # fmt: skip

#: By key.
REFERENCES = MappingProxyType({work.key: work for work in _WORKS})
